package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// fence says which imports a room must not have. The rooms and the reasons are in docs/structure.md;
// this test is what makes them true.
type fence struct {
	room   string   // package path prefix inside the module
	except []string // package path prefixes inside the room that the fence does not bind
	deny   []string // import path prefixes
}

const module = "flotilla"

func fences() []fence {
	const (
		geth   = "github.com/ethereum/go-ethereum"
		libp2p = "github.com/libp2p/"
		hugot  = "github.com/knights-analytics/hugot"
		pebble = "github.com/cockroachdb/"
	)
	own := func(rooms ...string) []string {
		for i, r := range rooms {
			rooms[i] = module + "/" + r
		}
		return rooms
	}
	return []fence{
		{room: "p2p", deny: append(own("routing", "settlement", "node", "testnet", "cmd", "contracts"), geth, hugot)},
		{room: "routing", deny: append(own("p2p", "settlement", "node", "testnet", "cmd", "contracts"), geth, libp2p)},
		{room: "routing", except: own("routing/embed/hugotembed"), deny: []string{hugot}},
		{room: "settlement", deny: append(own("p2p", "routing", "node", "testnet", "cmd"), libp2p, hugot)},
		{room: "", except: own("internal/durable"), deny: []string{pebble}},
		{room: "settlement", except: own("settlement/ethchain"), deny: append(own("contracts"),
			geth+"/ethclient", geth+"/accounts/abi", geth+"/node", geth+"/eth", geth+"/rpc")},
		{room: "node", deny: append(own("testnet", "cmd", "contracts", "settlement/ethchain", "routing/embed"),
			geth+"/ethclient", geth+"/accounts", geth+"/rpc", libp2p, hugot)},
		{room: "", except: own("node/postgres", "node/access/pgstore", "node/requestlog/pglog"), deny: []string{"github.com/jackc/"}},
		{room: "node/access", deny: own("p2p", "routing", "settlement", "node/openai", "node/admin", "node/requestlog")},
		{room: "node/postgres", deny: own("p2p", "routing", "settlement", "node/openai", "node/admin", "node/access", "node/requestlog")},
		{room: "node/requestlog", deny: own("p2p", "routing", "settlement", "node/openai", "node/admin", "node/access")},
		{room: "node/cache", deny: append(own("p2p", "settlement", "node/openai", "node/admin", "node/access", "node/requestlog", "node/backend"), own("routing/embed")...)},
		{room: "node/page", deny: own("p2p", "routing", "settlement", "node/openai", "node/admin", "node/access")},
		{room: "node/openai", deny: own("p2p", "routing", "settlement")},
		{room: "node/backend", deny: own("p2p", "routing", "settlement")},
		{room: "testnet", deny: own("cmd")},
		{room: "internal", deny: own("p2p", "routing", "settlement", "node", "testnet", "cmd", "contracts")},
		{room: "", except: own("internal", "settlement", "node/access", "node/requestlog"), deny: own("internal/durable")},
		{room: "contracts", deny: own("p2p", "routing", "settlement", "node", "testnet", "cmd")},
	}
}

// pureDeny lists what the pure core of routing may not touch: the network, the disk, the clock of the process.
func pureDeny() []string { return []string{"net", "net/http", "os", "io/ioutil", "os/exec"} }

type listed struct {
	ImportPath string
	Imports    []string
}

func TestLayering(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("decode go list: %v", err)
		}
		for _, f := range fences() {
			if !under(p.ImportPath, module+"/"+f.room) || underAny(p.ImportPath, f.except) {
				continue
			}
			for _, imp := range p.Imports {
				if underAny(imp, f.deny) {
					t.Errorf("%s imports %s: forbidden in room %s (docs/structure.md)", p.ImportPath, imp, f.room)
				}
			}
		}
		if p.ImportPath == module+"/routing" {
			for _, imp := range p.Imports {
				for _, bad := range pureDeny() {
					if imp == bad {
						t.Errorf("routing is pure, but imports %s", imp)
					}
				}
			}
		}
	}
	if seen < 10 {
		t.Fatalf("go list showed %d packages: the test looks at the wrong module", seen)
	}
}

func under(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func underAny(path string, prefixes []string) bool {
	for _, p := range prefixes {
		if under(path, p) {
			return true
		}
	}
	return false
}
