package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"moqedge/bench/report"
)

// outputFlags say where results go.
type outputFlags struct {
	Report string `default:"report.html" placeholder:"FILE" group:"Output" help:"Write the report with all plots there, one file for a browser; --report= for none. (default: ${default})"`
	JSON   bool   `name:"json" group:"Output" help:"Print the result as JSON instead of tables."`
}

// output is where the result of a benchmark goes.
type output struct {
	outputFlags
	file *os.File // nil for none
}

// open makes sure that the report can be written, before anything is measured. A
// report that is there stays until there is another one. The caller ends it with
// Close.
func (f outputFlags) open() (*output, error) {
	o := &output{outputFlags: f}
	if f.Report == "" {
		return o, nil
	}
	var err error
	if o.file, err = os.OpenFile(f.Report, os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		return nil, fmt.Errorf("the report can not be written: %w (--report= for none)", err)
	}
	return o, nil
}

// write prints a result, as text or as JSON, and writes its page.
func (o *output) write(e *environment, result any, text func(report.Style) string, page report.Page) error {
	if !o.JSON {
		e.console.Line(text(report.StyleOf(e.console, os.Getenv)))
	} else if err := e.console.JSON(result); err != nil {
		return err
	}
	if o.file == nil {
		return nil
	}
	var b bytes.Buffer
	if err := page.Write(&b); err != nil {
		return err
	}
	if o.regular() {
		if err := o.file.Truncate(0); err != nil {
			return err
		}
	}
	_, err := o.file.Write(b.Bytes())
	err = errors.Join(err, o.file.Close())
	o.file = nil
	if err == nil && !o.JSON {
		e.console.Line("\nThe report with all plots is in " + o.Report + ".")
	}
	return err
}

func (o *output) regular() bool {
	i, err := o.file.Stat()
	return err == nil && i.Mode().IsRegular()
}

// Close gives up a report that was not written; a file that open has made goes.
func (o *output) Close() {
	if o.file == nil {
		return
	}
	i, err := o.file.Stat()
	_ = o.file.Close() // nothing was written
	if err == nil && i.Mode().IsRegular() && i.Size() == 0 {
		_ = os.Remove(o.Report) // an empty file that stays does no harm
	}
}
