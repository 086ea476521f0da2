package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moqedge/bench/flood"
	roles "moqedge/bench/process"
)

// asMoqedge makes the test binary behave as the command: tests that need a
// process of its own start themselves with it.
const asMoqedge = "TEST_AS_MOQEDGE_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asMoqedge) != "" {
		main()
	}
	if name, ok := roleAsked(os.Args); ok && name == floodRole {
		if err := roles.Serve(flood.NewRole()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailure)
		}
		os.Exit(exitOK)
	}
	os.Exit(m.Run())
}

// Without a command there is what commands there are, and the exit code says that this
// was not all.
func TestNoCommand(t *testing.T) {
	code, out, errs := execute(t)
	if code != exitUsage || errs != "" || !strings.Contains(out, "bench compare") {
		t.Errorf("code %d, %s%s", code, out, errs)
	}
}

// execute runs a command line inside the test.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, streams{strings.NewReader(""), &out, &errs})
	return code, out.String(), errs.String()
}

func TestHelp(t *testing.T) {
	code, out, errs := execute(t, "--help")
	if code != exitOK || errs != "" {
		t.Fatalf("code %d, stderr %q", code, errs)
	}
	for _, command := range []string{"demo", "serve", "check", "health", "topology", "pub", "sub", "ls", "interop", "cert", "version"} {
		t.Run(command, func(t *testing.T) {
			if !strings.Contains(out, "\n  "+command+" ") {
				t.Errorf("moqedge --help does not list it:\n%s", out)
			}
			code, text, errs := execute(t, command, "--help")
			if code != exitOK || errs != "" {
				t.Fatalf("code %d, stderr %q", code, errs)
			}
			_, examples, found := strings.Cut(text, "Examples:\n")
			if !found || !strings.Contains(examples, "    moqedge "+command) {
				t.Errorf("no example:\n%s", text)
			}
			if !strings.Contains(text, "--json") {
				t.Errorf("no --json:\n%s", text)
			}
		})
	}
}

// The examples of the help are command lines that parse.
func TestExamplesParse(t *testing.T) {
	for _, command := range []string{"demo", "serve", "check", "health", "topology", "pub", "sub", "ls", "interop", "cert", "version"} {
		_, text, _ := execute(t, command, "--help")
		_, examples, _ := strings.Cut(text, "Examples:\n")
		examples, _, _ = strings.Cut(strings.ReplaceAll(examples, "\\\n", ""), "\nFlags:")
		for line := range strings.Lines(examples) {
			_, line, found := strings.Cut(line, "moqedge ")
			if !found {
				continue
			}
			// With --help at the end the line is parsed but not run; what can
			// not be parsed is an error before it.
			if code, _, errs := execute(t, append(strings.Fields(line), "--help")...); code != exitOK {
				t.Errorf("%s: %s", line, errs)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	port := silent.LocalAddr().String()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.mp4")
	bad := filepath.Join(dir, "bad.yaml")
	for file, content := range map[string]string{text: "this is no MP4 file", bad: "listen: :4443\nlisen: :1\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free := []string{"--http", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--srt", "127.0.0.1:0"}
	demo := func(args ...string) []string { return append(append([]string{"demo"}, free...), args...) }
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no subcommand":            {[]string{"token"}, exitUsage, "see moqedge token --help"},
		"URL without a scheme":     {[]string{"ls", "127.0.0.1:4443"}, exitFailure, `URL "127.0.0.1:4443": want moqt://`},
		"unknown command":          {[]string{"dome"}, exitUsage, `unexpected argument dome`},
		"unknown flag":             {[]string{"demo", "--foo"}, exitUsage, "unknown flag --foo"},
		"bad flag":                 {[]string{"demo", "--interval", "soon"}, exitUsage, "--interval"},
		"bad log level":            {[]string{"version", "--log-level", "loud"}, exitUsage, "--log-level"},
		"missing argument":         {[]string{"sub", "moqt://127.0.0.1:1"}, exitUsage, `expected "<namespace>`},
		"bad address":              {demo("--edge", "here"), exitFailure, `listen: "here" is not an address`},
		"taken HTTP port":          {demo("--http", taken.Addr().String()), exitFailure, "HTTP address " + taken.Addr().String() + " is taken by another process"},
		"taken edge port":          {demo("--edge", port), exitFailure, "is taken by another process"},
		"taken origin port":        {demo("--origin", port), exitFailure, "is taken by another process"},
		"taken SRT port":           {demo("--srt", port), exitFailure, "SRT address " + port + " is taken by another process"},
		"bad name for the clip":    {demo("--name", "a b"), exitFailure, "bad name"},
		"taken admin port":         {[]string{"serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--srt", "127.0.0.1:0", "--admin", taken.Addr().String(), "--log-level", "error"}, exitFailure, "admin address"},
		"configuration missing":    {[]string{"serve", "-c", filepath.Join(dir, "none.yaml")}, exitFailure, "none.yaml: no such file"},
		"configuration wrong":      {[]string{"serve", "-c", bad}, exitFailure, `bad.yaml:2: unknown key "lisen": at the top there can be name, listen`},
		"upstream wrong":           {[]string{"serve", "--upstream", "http://x"}, exitFailure, `upstream: URL "http://x"`},
		"file missing":             {[]string{"pub", "moqt://127.0.0.1:1", "cam1", filepath.Join(dir, "none.mp4")}, exitFailure, "none.mp4: no such file"},
		"file is no video":         {[]string{"pub", "moqt://127.0.0.1:1", "cam1", text}, exitFailure, "cannot play"},
		"empty stdin":              {[]string{"pub", "moqt://127.0.0.1:1", "cam1", "-"}, exitFailure, "cannot play"},
		"bad name":                 {[]string{"pub", "moqt://" + port, "a/b", "--timeout", "1s"}, exitFailure, "bad name"},
		"publish nowhere":          {[]string{"pub", "moqt://" + port, "cam1", "--insecure", "--timeout", "200ms"}, exitFailure, "no answer in time"},
		"subscribe nowhere":        {[]string{"sub", "moqt://" + port, "cam1", "--insecure", "--timeout", "200ms"}, exitFailure, "no answer in time"},
		"list nowhere":             {[]string{"ls", "https://" + port, "--insecure", "--timeout", "200ms"}, exitFailure, "no answer in time"},
		"bad URL":                  {[]string{"ls", "ftp://127.0.0.1"}, exitFailure, `URL "ftp://127.0.0.1": want moqt://`},
		"two ways of trust":        {[]string{"ls", "moqt://x", "--insecure", "--ca", "a.pem"}, exitFailure, "give only one of"},
		"unreadable CA":            {[]string{"ls", "moqt://x", "--ca", filepath.Join(dir, "none.pem")}, exitFailure, "none.pem"},
		"no fingerprint there":     {[]string{"ls", "moqt://x", "--fingerprint-url", "http://" + port}, exitFailure, "read the fingerprint"},
		"bad namespace":            {[]string{"sub", "moqt://x", "a//b", "t"}, exitFailure, "has an empty field"},
		"output of several tracks": {[]string{"sub", "moqt://x", "cam1", "-o", "x"}, exitFailure, "--output needs a TRACK"},
		"unwritable output":        {[]string{"sub", "moqt://x", "cam1", "video", "-o", filepath.Join(dir, "none", "x")}, exitFailure, "no such file"},
		"certificate folder":       {[]string{"cert", "--dir", text}, exitFailure, "folder"},
		"draft of tomorrow":        {[]string{"interop", "--relay", "moqt://x", "--draft", "99"}, exitFailure, "draft 99 is not spoken here"},
		"draft of tomorrow, sub":   {[]string{"sub", "moqt://x", "cam1", "--draft", "99"}, exitFailure, "draft 99 is not spoken here"},
		"draft of yesterday, pub":  {[]string{"pub", "moqt://x", "cam1", "--draft", "17"}, exitFailure, "draft 17 is not spoken here"},
		"draft of tomorrow, ls":    {[]string{"ls", "moqt://x", "--draft", "99"}, exitFailure, "draft 99 is not spoken here: there are [moqt-18 moqt-16"},
		"draft in words":           {[]string{"ls", "moqt://x", "--draft", "newest"}, exitUsage, "--draft"},
		"interop with a bad URL":   {[]string{"interop", "--relay", "ftp://x"}, exitFailure, `URL "ftp://x": want moqt://`},
		"certificate host":         {[]string{"cert", "--dir", dir, "--host", "http://x"}, exitFailure, "host"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := execute(t, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.HasPrefix(errs, "moqedge: ") || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) {
				t.Errorf("stderr %q: want one line with %q", errs, c.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	code, out, _ := execute(t, "version", "--json")
	var v struct {
		Go     string
		Drafts []string
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitOK || v.Go == "" || len(v.Drafts) == 0 || v.Drafts[0] != "moqt-18" {
		t.Errorf("code %d, %v: %s", code, err, out)
	}
	if code, out, _ := execute(t, "version"); code != exitOK || !strings.HasPrefix(out, "moqedge ") {
		t.Errorf("code %d: %s", code, out)
	}
}

// A second call shows the certificate of the first; a new host makes a new one.
func TestCert(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	show := func(args ...string) (out struct {
		Fingerprint string
		Hosts       []string
		Dir         string
	}) {
		t.Helper()
		code, text, errs := execute(t, append([]string{"cert", "--json", "--dir", dir}, args...)...)
		if err := json.Unmarshal([]byte(text), &out); err != nil || code != exitOK {
			t.Fatalf("code %d, %v: %s%s", code, err, text, errs)
		}
		return out
	}
	first, again, other := show(), show(), show("--host", "media.local")
	if len(first.Fingerprint) != 64 || first.Fingerprint != again.Fingerprint || first.Dir != dir {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if other.Fingerprint == first.Fingerprint || !strings.Contains(strings.Join(other.Hosts, " "), "media.local") {
		t.Errorf("with another host: %+v", other)
	}
	if code, text, _ := execute(t, "cert", "--dir", dir); code != exitOK || !strings.Contains(text, "fingerprint ") {
		t.Errorf("code %d: %s", code, text)
	}
}
