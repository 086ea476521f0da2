package report

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
)

// Page is a report as one HTML file, which needs nothing else: no network, and no
// JavaScript but to say at once what one points at.
type Page struct {
	Title    string
	Lead     []string // paragraphs below it
	Sections []Section
	// Data is embedded as JSON for programs, in the element with the id "result";
	// nil for none.
	Data any
}

// Section is a part of a page. What it has is shown in the order of the fields.
type Section struct {
	Title    string
	Text     []string // paragraphs
	Verdicts []Verdict
	Plots    []Plot
	Tables   []Table
	Facts    []Fact
	Points   []string // of a list
	Code     string   // for a terminal
}

// Fact is something with a name.
type Fact struct{ Name, Value string }

//go:embed page.html page.css page.js
var files embed.FS

// sheet is a page as the template needs it.
type sheet struct {
	Page
	CSS      template.CSS
	JS       template.JS
	JSON     template.JS
	NoJSON   string // why there is no JSON
	Slots    []Slot
	Sections []sheetSection
}

type sheetSection struct {
	Section
	ID      string
	Figures []figure
}

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page.html").Funcs(template.FuncMap{
		"class": Slot.class, "shape": shape,
	}).ParseFS(files, "page.html")
	if err != nil {
		return err
	}
	css, err := files.ReadFile("page.css")
	if err != nil {
		return err
	}
	js, err := files.ReadFile("page.js")
	if err != nil {
		return err
	}
	s := sheet{Page: p, CSS: template.CSS(css), JS: template.JS(js)} // #nosec G203 -- our own files
	for i := range slots {
		s.Slots = append(s.Slots, Slot(i))
	}
	for i, section := range p.Sections {
		one := sheetSection{Section: section, ID: fmt.Sprintf("s%d", i+1)}
		for k, plot := range section.Plots {
			one.Figures = append(one.Figures, figureOf(plot, fmt.Sprintf("s%dp%d", i+1, k+1)))
		}
		s.Sections = append(s.Sections, one)
	}
	if p.Data != nil {
		b, err := json.Marshal(p.Data) // escapes what would end the element
		if err != nil {
			s.NoJSON = err.Error() // of a figure that is no number: the rest is worth reading
		}
		s.JSON = template.JS(b) // #nosec G203 -- it is JSON
	}
	return t.Execute(w, s)
}

// shape is the mark of a legend.
func shape(class string) string {
	for i := range slots {
		if Slot(i).class() == class {
			return Slot(i).mark(15, 8)
		}
	}
	return ""
}
