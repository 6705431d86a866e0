package main

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
	"golang.org/x/term"
)

// keyFlags name the node's signing key.
type keyFlags struct {
	Key            string `help:"Key file (go-ethereum's encrypted keystore form; make one with 'flotilla key')." env:"FLOTILLA_KEY" type:"path" placeholder:"FILE"`
	PassphraseFile string `help:"File with the key's passphrase; without it, FLOTILLA_PASSPHRASE or a prompt." env:"FLOTILLA_PASSPHRASE_FILE" type:"path" placeholder:"FILE"`
}

// load decrypts the key.
func (k keyFlags) load() (*ecdsa.PrivateKey, error) {
	if k.Key == "" {
		return nil, errors.New("no key: give --key FILE (make one with: flotilla key FILE)")
	}
	raw, err := os.ReadFile(k.Key)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	var form struct{ Crypto json.RawMessage }
	if err := json.Unmarshal(raw, &form); err != nil || form.Crypto == nil {
		return nil, fmt.Errorf("%s is no key file (make one with: flotilla key FILE)", k.Key)
	}
	pass, err := passphrase(k.PassphraseFile, func() (string, error) { return ask("Passphrase of " + k.Key + ": ") })
	if err != nil {
		return nil, err
	}
	key, err := keystore.DecryptKey(raw, pass)
	if errors.Is(err, keystore.ErrDecrypt) {
		return nil, fmt.Errorf("decrypt %s: wrong passphrase, %s (--passphrase-file goes before FLOTILLA_PASSPHRASE, and that before asking)", k.Key, passphraseOrigin(k.PassphraseFile))
	}
	if err != nil {
		return nil, fmt.Errorf("decrypt %s: %w", k.Key, err)
	}
	return key.PrivateKey, nil
}

// passphrase comes from a file, the environment, or a person at a terminal, in this order.
func passphrase(file string, fromPerson func() (string, error)) (string, error) {
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read passphrase: %w", err)
		}
		return strings.TrimRight(string(raw), "\r\n"), nil
	}
	if p, ok := os.LookupEnv("FLOTILLA_PASSPHRASE"); ok {
		return p, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("no passphrase: give --passphrase-file or FLOTILLA_PASSPHRASE, or run at a terminal")
	}
	return fromPerson()
}

// passphraseOrigin says where passphrase took it from.
func passphraseOrigin(file string) string {
	if file != "" {
		return "read from " + file
	}
	if _, ok := os.LookupEnv("FLOTILLA_PASSPHRASE"); ok {
		return "from FLOTILLA_PASSPHRASE"
	}
	return "as typed"
}

// ask reads a passphrase that is not shown.
func ask(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	raw, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", fmt.Errorf("read passphrase: %w", err)
	}
	return string(raw), nil
}

// askTwice is for a new passphrase: a slip nobody sees would lock the account's money up for good.
func askTwice(ask func(prompt string) (string, error)) (string, error) {
	first, err := ask("New passphrase: ")
	if err != nil {
		return "", err
	}
	again, err := ask("The same again: ")
	if err == nil && again != first {
		err = errors.New("the two passphrases differ, and no key was made: run the command again")
	}
	return first, err
}

type keyCmd struct {
	File           string `arg:"" help:"File to write; must not exist." type:"path"`
	PassphraseFile string `help:"File with the passphrase; without it, FLOTILLA_PASSPHRASE or a prompt." env:"FLOTILLA_PASSPHRASE_FILE" type:"path" placeholder:"FILE"`
}

// Run makes a key and prints its address.
func (c *keyCmd) Run(s *streams) error {
	pass, err := passphrase(c.PassphraseFile, func() (string, error) { return askTwice(ask) })
	if err != nil {
		return err
	}
	if pass == "" {
		return fmt.Errorf("an empty passphrase, %s, and no key was made: whoever could read %s would have its account; give one that is hard to guess", passphraseOrigin(c.PassphraseFile), c.File)
	}
	priv, err := crypto.GenerateKey()
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("make key id: %w", err)
	}
	k := &keystore.Key{Id: id, Address: crypto.PubkeyToAddress(priv.PublicKey), PrivateKey: priv}
	raw, err := keystore.EncryptKey(k, pass, keystore.StandardScryptN, keystore.StandardScryptP)
	if err != nil {
		return fmt.Errorf("encrypt key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.File), 0o700); err != nil {
		return fmt.Errorf("make key folder: %w", err)
	}
	if err := writeKey(c.File, raw); err != nil {
		return err
	}
	fmt.Fprintln(s.out, k.Address.Hex())
	return nil
}

// writeKey makes file, whole or not at all: half a key, which nobody has the other half of, must not stand in the way of the next try.
func writeKey(file string, raw []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists and is left as it is: whoever loses a key loses what its account holds; name another file", file)
	}
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write key: %w", err), os.Remove(file))
	}
	return nil
}
