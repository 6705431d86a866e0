package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the command line as people type it: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			bin := env.WorkDir + "/bin"
			if err := os.MkdirAll(bin, 0o755); err != nil {
				return err
			}
			env.Setenv(asFlotilla, "1")
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
			return os.Symlink(exe, bin+"/flotilla")
		},
	})
}
