package embed

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"
)

// reseal gives a changed file a fitting sha256, so that the checks behind the sum are reached.
func reseal(file []byte) string {
	sum := sha256.Sum256(file[headerBytes:])
	copy(file[headerBytes-sha256.Size:], sum[:])
	return string(file)
}

func TestOpenWeightsRefusesDamage(t *testing.T) {
	setField := func(i int, v uint32) string {
		head := []byte(weightFile[:headerBytes])
		binary.LittleEndian.PutUint32(head[len(weightMagic)+4*i:], v)
		return string(head) + weightFile[headerBytes:]
	}
	flipped := []byte(weightFile)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct{ file, want string }{
		"empty":            {"", "not a FLOTMLM1 file"},
		"other file":       {strings.Repeat("x", 200), "not a FLOTMLM1 file"},
		"header only":      {weightFile[:headerBytes], "sha256 does not match"},
		"cut":              {weightFile[:len(weightFile)-1], "sha256 does not match"},
		"bit flipped":      {string(flipped), "sha256 does not match"},
		"cut and resealed": {reseal([]byte(weightFile[:len(weightFile)-1])), "truncated"},
		"too long":         {reseal([]byte(weightFile + "x")), "1 bytes left over"},
		"no layers":        {setField(0, 0), "header field 0 is 0"},
		"huge vocabulary":  {setField(4, 1<<31), "header field 4"},
		"vocabulary":       {setField(4, 1<<20), "truncated"},
		"heads":            {setField(2, 11), "not supported"},
		"group":            {setField(7, 63), "not supported"},
		"panel":            {setField(6, 16), "not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openWeights(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// FuzzOpenWeights feeds headers and short bodies with a fitting sum: they must be refused without a panic and without
// big allocations.
func FuzzOpenWeights(f *testing.F) {
	f.Add([]byte(weightFile[:headerBytes]))
	f.Add([]byte(weightFile[:headerBytes+1000]))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) >= headerBytes {
			copy(file, weightMagic)
			if _, err := openWeights(reseal(file)); err == nil && len(file) < 1000 {
				t.Error("accepted")
			}
		}
	})
}
