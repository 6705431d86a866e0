package testnet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Welcome is what a person needs to use the running fleet; every line of it works as printed.
func (n *Net) Welcome() string {
	var b strings.Builder
	program := shellWord(os.Args[0])
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("")
	say("gateway      %s", n.URL())
	say("API key      %s", n.APIKey())
	say("page         %s", n.PageURL())
	say("")
	say("curl -s %s/chat/completions -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the capital of France?\"}]}'", n.URL(), n.APIKey())
	say("")
	say("# pip install openai")
	say("from openai import OpenAI")
	say("client = OpenAI(base_url=%q, api_key=%q)", n.URL(), n.APIKey())
	say("answer = client.chat.completions.create(model=\"auto\", messages=[{\"role\": \"user\", \"content\": \"What is the capital of France?\"}])")
	say("print(answer.choices[0].message.content)")
	say("print(answer.model, answer.usage)")
	if addr := n.gateway.AdminAddr(); addr != "" {
		say("")
		say("what is pending, in flight and settled (metrics are at http://%s/metrics):", addr)
		say("%s settle status --admin http://%s", program, addr)
	}
	say("")
	say("your own Ollama, llama.cpp or vLLM can join from another terminal, with the spare account:")
	say("FLOTILLA_PASSPHRASE=%s %s operator --key %s --data-dir %s --stake 50 --price '*=0.05/0.10' --rpc %s --contract %s --bootstrap %s",
		SparePassphrase, program, shellWord(n.spareKey()), shellWord(filepath.Join(n.cfg.Dir, roleSpare)), n.RPC(), n.Domain().Contract, n.Bootstrap()[0])
	say("")
	say("Ctrl-C stops everything; the state stays in %s.", n.cfg.Dir)
	return b.String()
}

// shellWord is s as a shell reads it back.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
