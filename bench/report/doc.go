// Package report writes what a benchmark found, for people: tables for a terminal,
// a page with plots that is one file, and how far a measurement is.
//
// # Pieces
//
// A [Table] is laid out for a terminal ([Table.Text]) and for a page alike. A
// [Page] is a title, sections of text, tables and plots, and data: [Page.Write]
// makes one HTML file of it. Plots are [Lines] and [Bars]. [Bar] is progress with
// the time left. [Text] and [HTML] make a report of a [lab.Result] from these
// pieces, as other commands may of their results.
//
// # Why plots are drawn here
//
// Plots are SVG inside the page that takes its colors from the page's style sheet:
// so they follow light and dark, have a title and a description for those who do
// not see them, tell series apart by dashes, hatches and marks as well as by
// color, and are drawn once for wide and once for narrow screens. gonum's plot and
// go-analyze/charts write colors and fonts into each shape and know no
// descriptions, and go-echarts needs a megabyte of JavaScript; what is needed of
// axes and marks is some hundred lines.
//
// # What is said in words
//
// Verdicts are generated from figures alone: a system is called better where its
// worst round is better than the other's best. Where rounds overlap the report says
// that nothing can be said, and where each was measured once, too.
//
// The package measures nothing, and must not know how it is done nor who asks for
// the report.
//
// # Where to start reading
//
// compare_text.go and compare_page.go make the two reports of a comparison, judge.go
// says who is better; table.go, page.go and plot.go are the pieces.
package report
