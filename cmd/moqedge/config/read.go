package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a configuration file in bytes.
const maxFile = 1 << 20

// Sources are where a configuration is read from. What comes later goes before what
// comes earlier: defaults, the file, the environment, flags.
type Sources struct {
	// File is the YAML file; "" is none: then the node is as Default says, and as the
	// public interop runner (Runner).
	File string
	// Environ has the variables, as os.Environ gives them.
	Environ []string
	// Mounted is the folder where the interop runner mounts a certificate; "" is none.
	Mounted string
	// Flags of the command line.
	Flags []Flag
	// Others are the MOQEDGE_ variables that are not of the configuration.
	Others []string
}

// Flag is a value that the command line gives.
type Flag struct {
	Name  string // as it is typed: --listen
	Key   string // of the configuration: http.listen
	Value string // "" is nothing; Off leaves a section or a list of sections out
}

// Settings are a configuration and where its values come from.
type Settings struct {
	Config
	file    string  // "" is none
	origins Origins // of sections, too
}

// Read reads, merges and validates. Its errors are Faults, or that of opening the file.
func (s Sources) Read() (*Settings, error) {
	set := &Settings{file: s.File, origins: map[string]Origin{}}
	if s.File == "" {
		set.Config = Default()
		if err := set.runner(getenv(s.Environ), s.Mounted); err != nil {
			return nil, err
		}
	} else {
		text, err := readFile(s.File)
		if err != nil {
			return nil, err
		}
		if err := set.parse(s.File, text); err != nil {
			return nil, err
		}
	}
	faults := set.environment(s.Environ, s.Others)
	for _, f := range s.Flags {
		if f.Value == "" {
			continue
		}
		if err := set.set(f.Key, f.Value, Origin{Kind: FromFlag, Name: f.Name}); err != nil {
			faults = append(faults, *err)
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	if err := set.validate(); err != nil {
		return nil, err
	}
	return set, nil
}

// Load reads and validates a file alone. Its errors are Faults, whose lines begin with
// the file and, where there is one, the line.
func Load(file string) (Config, error) {
	text, err := readFile(file)
	if err != nil {
		return Config{}, err
	}
	return Parse(file, text)
}

// Parse reads and validates the text of a file; name is for its errors.
func Parse(name string, text []byte) (Config, error) {
	set := &Settings{file: name, origins: map[string]Origin{}}
	if err := set.parse(name, text); err != nil {
		return Config{}, err
	}
	if err := set.validate(); err != nil {
		return Config{}, err
	}
	return set.Config, nil
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := new(bytes.Buffer)
	if _, err := text.ReadFrom(&limited{f, maxFile}); err != nil {
		return nil, Faults{{Origin: Origin{Kind: FromFile, Name: file}, Text: err.Error()}}
	}
	return text.Bytes(), nil
}

// parse takes in a file.
func (s *Settings) parse(name string, text []byte) error {
	fault := func(line int, text string) error {
		return Faults{{Origin: Origin{Kind: FromFile, Name: name, Line: line}, Text: text}}
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		var e yaml.Error
		if !errors.As(err, &e) {
			return fault(0, firstLine(err.Error()))
		}
		line := 0
		if t := e.GetToken(); t != nil && t.Position != nil {
			line = t.Position.Line
		}
		return fault(line, firstLine(e.GetMessage()))
	}
	if len(tree.Docs) > 1 {
		return fault(tree.Docs[1].Start.Position.Line, "a second document: a configuration is one")
	}
	var root ast.Node
	if len(tree.Docs) == 1 {
		root = tree.Docs[0].Body
	}
	if _, comment := root.(*ast.CommentGroupNode); root == nil || comment {
		return fault(0, "it is empty: at least listen must be set")
	}
	if faults := decode(name, root, s); len(faults) > 0 {
		return faults
	}
	return nil
}

// validate says of what Validate finds where it is.
func (s *Settings) validate() error {
	err := s.Config.Validate()
	if err == nil {
		return nil
	}
	return s.Locate(err)
}

// Locate says where the values are that an error of Validate, or any whose text begins
// with a key, is about: at least in which file.
func (s *Settings) Locate(err error) Faults {
	var faults Faults
	if !errors.As(err, &faults) {
		faults = Faults{NewFault(err)}
	}
	located := make(Faults, 0, len(faults))
	for _, f := range faults {
		if f.Origin = s.Origin(f.Key); f.Kind == FromDefault && s.file != "" {
			f.Origin = Origin{Kind: FromFile, Name: s.file}
		}
		located = append(located, f)
	}
	return located
}

// Origin tells where the value of a key comes from, or that of what it is in.
func (s *Settings) Origin(key string) Origin {
	for ; key != ""; key = parent(key) {
		if o, ok := s.origins[key]; ok {
			return o
		}
	}
	return Origin{}
}

func (s *Settings) note(path string, o Origin) { s.origins[path] = o }

// move has a value be where its key is, if there is a value.
func (s *Settings) move(path string, o Origin) {
	if _, ok := s.origins[path]; ok {
		s.origins[path] = o
	}
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// limited is an io.LimitReader that says when there is more.
type limited struct {
	file *os.File
	left int
}

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.file.Read(b)
	if l.left -= n; l.left < 0 {
		return 0, fmt.Errorf("it is larger than %d bytes: this is no configuration", maxFile)
	}
	return n, err
}
