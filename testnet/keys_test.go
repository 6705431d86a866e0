package testnet

import (
	"os"
	"path/filepath"
	"testing"
)

// A file that a crash left empty is made anew: it holds nothing that could be lost.
func TestEmptyKeyFilesAreMadeAnew(t *testing.T) {
	dir := t.TempDir()
	apiKey, spare := filepath.Join(dir, "api-key"), filepath.Join(dir, "spare.key")
	for _, file := range []string{apiKey, spare} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made, err := loadAPIKey(apiKey)
	if err != nil || made == "" {
		t.Errorf("API key %q, %v", made, err)
	}
	if again, err := loadAPIKey(apiKey); err != nil || again != made {
		t.Errorf("API key %q, then %q: %v", made, again, err)
	}
	if err := WriteKeyFile(spare, roleSpare, SparePassphrase); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(spare); err != nil || info.Size() == 0 {
		t.Errorf("the spare operator's key file is empty: %v", err)
	}
}
