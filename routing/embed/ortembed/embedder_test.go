//go:build onnxruntime

package ortembed

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flotilla/routing/embed"
)

// open needs what `make bench-embed` installs.
func open(t testing.TB) *Embedder {
	t.Helper()
	build := filepath.Join("..", "..", "..", "build")
	dir := cmp.Or(os.Getenv("FLOTILLA_MINILM_DIR"), filepath.Join(build, "minilm"))
	library := cmp.Or(os.Getenv("FLOTILLA_ONNXRUNTIME"), filepath.Join(build, "onnxruntime", "libonnxruntime.so"))
	e, err := New(dir, library)
	if err != nil {
		t.Fatalf("%v\nRun `make bench-embed` once: it fetches the model and the library.", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func openNative(t testing.TB) *embed.MiniLM {
	t.Helper()
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAgreesWithNative: the model in the binary (int8 weights) against the fp32 model.
func TestAgreesWithNative(t *testing.T) {
	e, m, worst := open(t), openNative(t), 1.0
	texts := []string{"", "x\x00y", "\xff\xfe\x80a", "naïve café — résumé", "漢字", "[CLS]", strings.Repeat("x", 300)}
	for n := 1; n < 300; n += 13 {
		texts = append(texts, "Which of these "+strconv.Itoa(n)+" is it? "+strings.Repeat("a longer text, ", n))
	}
	for _, text := range texts {
		want, err := e.Embed(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Embed(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		dot := 0.0
		for i := range got {
			dot += float64(got[i]) * float64(want[i])
		}
		if worst = min(worst, dot); dot < 0.999 {
			t.Errorf("cosine %.6f for %.40q", dot, text)
		}
	}
	t.Logf("%d texts, worst cosine %.6f", len(texts), worst)
}

func TestClosed(t *testing.T) {
	e := open(t)
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Embed(t.Context(), "text"); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want %v", err, ErrClosed)
	}
}

// clocks are the wall clock and this thread's CPU time: on a busy machine only the second one compares programs.
func clocks(b *testing.B) [2]time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return [2]time.Duration{time.Duration(time.Now().UnixNano()), time.Duration(ts.Nano())}
}

// BenchmarkSideBySide runs both by turns on one thread, text to vector, and reports the medians and their ratio.
func BenchmarkSideBySide(b *testing.B) {
	native, library := openNative(b), open(b)
	runs := [2]func(context.Context, string) ([]float32, error){native.Embed, library.Embed}
	for _, tokens := range []int{8, 64, 256} {
		text := strings.TrimSpace(strings.Repeat("hello ", tokens-2))
		b.Run(strconv.Itoa(tokens), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var spent [2][2][]time.Duration // of each embedder, by each clock
			for b.Loop() {
				for i, embed := range runs {
					before := clocks(b)
					if _, err := embed(b.Context(), text); err != nil {
						b.Fatal(err)
					}
					for c, after := range clocks(b) {
						spent[i][c] = append(spent[i][c], after-before[c])
					}
				}
			}
			for c, clock := range []string{"wall", "cpu"} {
				ours, theirs := median(spent[0][c]), median(spent[1][c])
				b.ReportMetric(ours.Seconds()*1e3, "native-"+clock+"-ms")
				b.ReportMetric(theirs.Seconds()*1e3, "ort-"+clock+"-ms")
				b.ReportMetric(ours.Seconds()/theirs.Seconds(), clock+"-ratio")
			}
			b.ReportMetric(0, "ns/op") // of a pair: says nothing
		})
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
