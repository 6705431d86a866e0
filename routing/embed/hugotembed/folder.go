package hugotembed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	onnxFile         = "model.onnx"
	defaultMaxTokens = 256
	// tokenLimit bounds what a folder may ask for: attention memory grows with its square.
	tokenLimit = 8192
)

// unsupported are operators that hugot's Go backend accepts at load time but that panic in a goroutine of its own at
// the first run, which no caller can recover from.
var unsupported = [][]byte{[]byte("DynamicQuantizeLinear"), []byte("MatMulInteger")}

// folder is an encoder folder that passed all checks that can be made without running it.
type folder struct {
	dir, id string
	guard   *guard
}

func openFolder(dir string) (*folder, error) {
	f := &folder{dir: dir}
	if err := f.checkGraph(); err != nil {
		return nil, err
	}
	positions, maxTokens, err := f.readLimits()
	if err != nil {
		return nil, err
	}
	if f.guard, err = readGuard(dir, maxTokens); err != nil {
		return nil, err
	}
	if f.guard.uncased == nil && positions == 0 {
		return nil, errors.New("config.json must give max_position_embeddings for this tokenizer")
	}
	sum, err := hashFiles(dir)
	if err != nil {
		return nil, err
	}
	f.id = fmt.Sprintf("hugot/%s/%s/%d/%s", onnxFile, guardVersion, maxTokens, sum)
	return f, nil
}

// checkGraph refuses what hugot would mistake: it searches sub-folders and takes the last file of the wanted name.
func (f *folder) checkGraph() error {
	var found []string
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(d.Name(), ".onnx") && (d.Name() == onnxFile || filepath.Dir(path) != filepath.Clean(f.dir)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look for graph: %w", err)
	}
	want := filepath.Join(f.dir, onnxFile)
	if len(found) != 1 || found[0] != want {
		return fmt.Errorf("look for graph: want %s and no .onnx file in sub-folders, found %q", onnxFile, found)
	}
	graph, err := os.ReadFile(want)
	if err != nil {
		return fmt.Errorf("read graph: %w", err)
	}
	for _, op := range unsupported {
		if bytes.Contains(graph, op) {
			return fmt.Errorf("read graph: operator %s crashes hugot's Go backend; export the encoder as fp32", op)
		}
	}
	return nil
}

// readLimits returns the number of positions that the graph has (0 unknown) and the token limit to cut at.
func (f *folder) readLimits() (positions, maxTokens int, err error) {
	var config struct {
		Positions int `json:"max_position_embeddings"`
	}
	var sentence struct {
		MaxTokens int `json:"max_seq_length"`
	}
	for name, into := range map[string]any{"config.json": &config, "sentence_bert_config.json": &sentence} {
		data, err := os.ReadFile(filepath.Join(f.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("read %s: %w", name, err)
		}
	}
	maxTokens = defaultMaxTokens
	switch {
	case sentence.MaxTokens > 0:
		maxTokens = sentence.MaxTokens
	case config.Positions > 0:
		maxTokens = config.Positions
	}
	if config.Positions > 0 {
		maxTokens = min(maxTokens, config.Positions)
	}
	if maxTokens < 3 || maxTokens > tokenLimit {
		return 0, 0, fmt.Errorf("token limit is %d, want 3..%d; set max_seq_length in sentence_bert_config.json", maxTokens, tokenLimit)
	}
	return config.Positions, maxTokens, nil
}

// hashFiles returns one sha256 over names and contents of the regular files of dir, hidden ones left out.
func hashFiles(dir string) (string, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return "", fmt.Errorf("hash encoder files: %w", err)
	}
	all := sha256.New()
	for _, entry := range entries {
		name := entry.Name()
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("hash encoder files: %w", err)
		}
		if !info.Mode().IsRegular() || strings.HasPrefix(name, ".") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("hash encoder files: %w", err)
		}
		fmt.Fprintf(all, "%s\n%x\n", name, sha256.Sum256(data))
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
