package localmodels

import (
	"os/exec"
	"syscall"
)

// ownGroup puts cmd into its own process group, so that a terminal's Ctrl-C reaches the parent
// alone, which then ends its children in order; and has the kernel kill cmd when the thread that
// started it ends, so that kill -9 of the parent leaves no orphan. Because it is the thread that
// counts, whoever starts a long-lived child must keep its thread: see Server.run.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup kills the process group that pid leads. A group that is gone is no error.
func killGroup(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return err
	}
	return nil
}
