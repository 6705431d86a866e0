package testnet

import (
	"os/exec"
	"testing"
)

// TestShellWord: a printed command line works as printed, wherever the fleet's folder is.
func TestShellWord(t *testing.T) {
	for _, word := range []string{"/tmp/net", "/tmp/a b/net", "it's", "$HOME/net;ls", `a\b"c`, "", "~/net", "*"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellWord(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q is printed as %s, which a shell reads as %q (%v)", word, shellWord(word), out, err)
		}
	}
	if got := shellWord("/tmp/net-1/spare.key"); got != "/tmp/net-1/spare.key" {
		t.Errorf("a plain name is quoted: %s", got)
	}
}
