package main

import (
	"errors"
	"os"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/node"
)

type checkCommand struct {
	Config []string `short:"c" placeholder:"FILE" sep:"none" env:"MOQEDGE_CONFIG" help:"Configuration files, each of a node of its own. (default: none, as serve)"`
	Files  []string `arg:"" optional:"" name:"file" help:"More of them, so that -c *.yaml works."`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (checkCommand) Help() string {
	return `Reads files as serve does, with the MOQEDGE_ variables of the environment over them, and the files that
they name: certificates have to be there, to be valid now and to belong to their keys. It opens no port
and connects to nobody. See moqedge topology for what is wrong between the nodes of a tree.

The exit code is 0 when all can be run, also with warnings, 1 when one can not, 2 for a wrong command line.

Examples:

  moqedge check -c edge.yaml

  moqedge check --json -c nodes/*.yaml`
}

// checked is what there is to say of a file.
type checked struct {
	File   string       `json:"file,omitempty"`
	Valid  bool         `json:"valid"`
	Faults []checkFault `json:"faults"`
}

type checkFault struct {
	Severity string `json:"severity"` // error or warning
	Key      string `json:"key,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Variable string `json:"variable,omitempty"` // of the environment
	Text     string `json:"text"`
	line     string
}

// Run checks all files.
func (c checkCommand) Run(e *environment) error {
	files := append(c.Config, c.Files...)
	if len(files) == 0 {
		files = []string{""}
	}
	all, valid := []checked{}, true
	for _, file := range files {
		one := checkFile(file)
		all = append(all, one)
		valid = valid && one.Valid
	}
	if c.JSON {
		if err := e.console.JSON(struct {
			Valid bool      `json:"valid"`
			Files []checked `json:"files"`
		}{valid, all}); err != nil {
			return err
		}
	} else {
		for _, one := range all {
			for _, f := range one.Faults {
				e.console.Line(f.line)
			}
			if one.Valid {
				e.console.Line(first(one.File, "the environment") + ": valid")
			}
		}
	}
	if !valid {
		return &exitError{code: exitFailure}
	}
	return nil
}

func checkFile(file string) checked {
	out := checked{File: file, Valid: true, Faults: []checkFault{}}
	add := func(severity string, faults config.Faults) {
		for _, f := range faults {
			said := checkFault{Severity: severity, Key: f.Key, Text: f.Text, line: severity + ": " + f.Error()}
			switch f.Kind {
			case config.FromFile:
				said.File, said.Line = f.Name, f.Line
			case config.FromEnvironment:
				said.Variable = f.Name
			}
			out.Faults = append(out.Faults, said)
			out.Valid = out.Valid && severity != "error"
		}
	}
	set, err := config.Sources{File: file, Environ: os.Environ(), Mounted: config.RunnerCertificates, Others: otherVariables()}.Read()
	if err != nil {
		var faults config.Faults
		if !errors.As(err, &faults) { // the file can not be opened
			faults = config.Faults{{Text: err.Error()}}
		}
		add("error", faults)
		return out
	}
	for _, p := range node.Check(set.Config, time.Now()) {
		severity := "error"
		if p.Warning {
			severity = "warning"
		}
		add(severity, set.Locate(p.Err))
	}
	return out
}
