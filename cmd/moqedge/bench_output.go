package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"moqedge/bench/lab"
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

// outcome is what a benchmark ended with, for the one way in which all of them end.
type outcome struct {
	result      any // what is printed as JSON
	got, of     int // parts of it that there are, of how many; of 0: it is not known
	interrupted bool
	text        func(report.Style) string
	page        func() report.Page
	err         error // why the result is not good
}

// conduct runs a benchmark with progress, and writes what came out: also of one
// that was interrupted, as long as there is anything.
func (f outputFlags) conduct(e *environment, measure func(lab.Progress) (outcome, error)) error {
	out, err := f.open()
	if err != nil {
		return err
	}
	defer out.Close()
	bar := report.NewBar(e.aside)
	x, err := measure(bar.Progress)
	bar.End()
	switch {
	case errors.Is(err, lab.ErrPlan):
		return &exitError{exitUsage, err}
	case x.got == 0 && e.Err() != nil:
		return errNothing
	case x.got == 0:
		return err
	}
	switch {
	case x.interrupted && x.of > 0:
		err = errors.Join(err, fmt.Errorf("interrupted after %d of %d rounds", x.got, x.of))
	case x.interrupted:
		err = errors.Join(err, errors.New("interrupted: not all that was to be tried was"))
	}
	return errors.Join(out.write(e, x.result, x.text, x.page()), err, x.err)
}

// errNothing is what an interrupted measurement without a result ends with.
var errNothing = errors.New("interrupted before a round had ended: there is nothing to report")
