package index_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSamplesReadPlainAndGzipped(t *testing.T) {
	const text = `{"id":"1","prompt":"What is 2+2?","scores":{"m":1},"output_tokens":{"m":3},"source":"probe","category":"maths"}

{"prompt":"abcd","input_tokens":7,"scores":{"m":0,"n":0.5}}
`
	want := []index.Sample{
		{ID: "1", Source: "probe", Prompt: "What is 2+2?", InputTokens: 3, Scores: map[string]float64{"m": 1}, OutputTokens: map[string]float64{"m": 3}},
		{Prompt: "abcd", InputTokens: 7, Scores: map[string]float64{"m": 0, "n": 0.5}},
	}
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"plain": text, "gzip": packed.String()} {
		got, err := index.ReadSamples(strings.NewReader(data))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestBadSamplesAreReportedByLine(t *testing.T) {
	for name, bad := range map[string]string{
		"no JSON":         `nonsense`,
		"no scores":       `{"prompt":"b"}`,
		"no prompt":       `{"promt":"b","scores":{"m":1}}`,
		"blank prompt":    `{"prompt":" \n","scores":{"m":1}}`,
		"not UTF-8":       `{"prompt":"caf` + "\xe9" + `","scores":{"m":1}}`,
		"null scores":     `{"prompt":"b","scores":{"m":null}}`,
		"above 1":         `{"prompt":"b","scores":{"m":1.5}}`,
		"below 0":         `{"prompt":"b","scores":{"m":-1}}`,
		"negative length": `{"prompt":"b","scores":{"m":1},"output_tokens":{"m":-3}}`,
		"absurd length":   `{"prompt":"b","scores":{"m":1},"output_tokens":{"m":1e18}}`,
		"negative prompt": `{"prompt":"b","scores":{"m":1},"input_tokens":-1}`,
		"negative cost":   `{"prompt":"b","scores":{"m":1},"cost_usd":{"m":-0.1}}`,
		"long line":       `{"prompt":"` + strings.Repeat("b", 9<<20) + `","scores":{"m":1}}`,
	} {
		data := `{"prompt":"a","scores":{"m":1}}` + "\n" + bad
		if _, err := index.ReadSamples(strings.NewReader(data)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := index.ReadSamples(strings.NewReader("\x1f\x8b damaged")); err == nil {
		t.Error("damaged gzip accepted")
	}
}

// Files written elsewhere: by Windows' editors, and by tables that write null where a model was not run.
// A table in another form than JSON lines, or with Python's NaN where nothing was measured, is told what is wanted.
func TestTablesOfAnotherFormAreToldWhatIsWanted(t *testing.T) {
	for _, text := range []string{"prompt,model,score\na,gemma-2-9b-it,1\n", `[{"prompt":"a","scores":{"m":1}}]`, `{"prompt":"a","scores":{"m":NaN}}`} {
		if _, err := index.ReadSamples(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "one JSON object a line") || !strings.Contains(err.Error(), "null (not NaN)") {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}

func TestSamplesOfOtherWriters(t *testing.T) {
	const text = "\ufeff" + `{"prompt":"Größe é","scores":{"m":1,"n":null},"output_tokens":{"m":null},"cost_usd":null}` + "\r\n"
	want := []index.Sample{{Prompt: "Größe é", InputTokens: 7. / 4, Scores: index.ByModel{"m": 1}, OutputTokens: index.ByModel{}}}
	got, err := index.ReadSamples(strings.NewReader(text))
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
