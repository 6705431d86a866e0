// Package hangup asks for SIGHUP as soon as a program can, which is when its packages are initialised: by default the signal ends the
// process, and a service may be told to reload right after its start. A large program takes tens of milliseconds until main.
package hangup

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// C gets the process's hangups, one of those that nobody has taken yet.
var C = listen()

func listen() chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// Default gives the signal its usual meaning back, for a command that has none of its own; also to one that has come already.
func Default() {
	signal.Stop(C) // which waits for one that is on its way to C
	select {
	case <-C:
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGHUP) // a process may always signal itself
		time.Sleep(time.Second)                            // any thread may take it, and the command would go on meanwhile; it does where hangups are ignored
	default:
	}
}
