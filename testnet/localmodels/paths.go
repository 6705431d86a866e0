package localmodels

import (
	"fmt"
	"os"
	"path/filepath"
)

// CacheEnv names the environment variable that overrides the cache directory.
const CacheEnv = "FLOTILLA_CACHE"

// Paths says where an installation lies. Install returns it; its zero value is not usable.
type Paths struct {
	Dir    string // cache directory, absolute
	Python string // absolute path of the python3 that runs the server
	Server string // directory with the unpacked xllamacpp package
	Models string // directory with the GGUF files
}

// DefaultCacheDir is $FLOTILLA_CACHE, or else "flotilla" in the user's cache directory.
func DefaultCacheDir() (string, error) {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory (set %s to choose one): %w", CacheEnv, err)
	}
	return filepath.Join(base, "flotilla"), nil
}
