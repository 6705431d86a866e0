// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What the contract promises, in the plainest form: unbounded numbers, one mapping for each idea,
/// thaws cut at every collection, payouts summed per epoch. No packing, no signatures, no tokens.
contract ReferenceModel {
    uint256 public immutable epochSeconds;
    uint256 public immutable capBps;

    mapping(address => uint256) public bonded;
    mapping(address => uint256) public stakeThawing;
    mapping(address => uint256) public earned;
    mapping(address => uint256) public claimed;
    mapping(address => mapping(uint256 epoch => uint256)) public paidIn;
    mapping(address => mapping(address => uint256)) public deposited;
    mapping(address => mapping(address => uint256)) public collected;
    mapping(address => mapping(address => uint256)) public withdrawn;
    mapping(address => mapping(address => uint256)) public thawing;

    constructor(uint256 epochSeconds_, uint256 capBps_) {
        (epochSeconds, capBps) = (epochSeconds_, capBps_);
    }

    function balance(address payer, address payee) public view returns (uint256) {
        return deposited[payer][payee] - collected[payer][payee] - withdrawn[payer][payee];
    }

    function room(address op, uint256 time) public view returns (uint256) {
        uint256 cap = bonded[op] * capBps / 10_000;
        uint256 paid = paidIn[op][time / epochSeconds];
        return cap > paid ? cap - paid : 0;
    }

    function settle(address payer, address payee, uint256 total, uint256 time) external returns (uint256 paid) {
        if (total > collected[payer][payee]) paid = total - collected[payer][payee];
        if (paid > balance(payer, payee)) paid = balance(payer, payee);
        if (paid > room(payee, time)) paid = room(payee, time);
        collected[payer][payee] += paid;
        paidIn[payee][time / epochSeconds] += paid;
        earned[payee] += paid;
        if (thawing[payer][payee] > balance(payer, payee)) thawing[payer][payee] = balance(payer, payee);
    }

    function deposit(address payer, address payee, uint256 amount) external {
        deposited[payer][payee] += amount;
    }

    function thaw(address payer, address payee, uint256 amount) external {
        thawing[payer][payee] = amount;
    }

    function withdraw(address payer, address payee) external {
        withdrawn[payer][payee] += thawing[payer][payee];
        thawing[payer][payee] = 0;
    }

    function stake(address op, uint256 amount) external {
        bonded[op] += amount;
    }

    function thawStake(address op, uint256 amount) external {
        bonded[op] -= amount;
        stakeThawing[op] = amount;
    }

    function cancelThawStake(address op) external {
        bonded[op] += stakeThawing[op];
        stakeThawing[op] = 0;
    }

    function withdrawStake(address op) external {
        stakeThawing[op] = 0;
    }

    function claim(address op) external {
        claimed[op] = earned[op];
    }
}
