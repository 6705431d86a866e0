package localmodels

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// stampOf is the text of a stamp: it holds as long as the file keeps its size and time, and saves
// hashing hundreds of megabytes at every start.
func stampOf(path, sum string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("stat model: %w", err)
	}
	return fmt.Sprintf("%s %d %d\n", sum, st.Size(), st.ModTime().UnixNano()), nil
}

// stampHolds reports whether path was checked against sum and has not changed since.
func stampHolds(path, sum string) bool {
	want, err := stampOf(path, sum)
	if err != nil {
		return false
	}
	got, err := os.ReadFile(path + ".checked")
	return err == nil && string(got) == want
}

// writeStamp records that path has the sha256 sum. A crash before the rename only makes the next
// call hash the file.
func writeStamp(path, sum string) error {
	text, err := stampOf(path, sum)
	if err != nil {
		return err
	}
	tmp := path + ".checked.part"
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write checksum stamp: %w", err)
	}
	if err := os.Rename(tmp, path+".checked"); err != nil {
		return fmt.Errorf("put checksum stamp in place: %w", err)
	}
	return nil
}

// fileHasSHA256 reports whether path has that size and hash.
func fileHasSHA256(path string, size int64, sum string) bool {
	st, err := os.Stat(path)
	if err != nil || st.Size() != size {
		return false
	}
	got, err := fileSHA256(path)
	return err == nil && got == sum
}

// fileMatchesRequirement reports whether a wheel has one of the requirement's pinned hashes.
func fileMatchesRequirement(wheel string, r requirement) bool {
	got, err := fileSHA256(wheel)
	return err == nil && strings.Contains(r.Text, "--hash=sha256:"+got)
}

// fileSHA256 returns the file's hash in lower-case hex.
func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
