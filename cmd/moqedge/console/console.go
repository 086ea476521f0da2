package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Console is the output of one command. Its methods are safe for concurrent
// use. The caller ends it with Close.
type Console struct {
	width func() int // columns of the terminal, 0 when there is none; immutable

	mu     sync.Mutex // guards all below, and writing
	out    io.Writer
	status string // on the screen now, "" when there is none
}

// New returns a console on out. width tells the columns of the terminal that
// out is, 0 when it is none; nil means none.
func New(out io.Writer, width func() int) *Console {
	if width == nil {
		width = func() int { return 0 }
	}
	return &Console{out: out, width: width}
}

// Terminal reports whether Status stays in place.
func (c *Console) Terminal() bool { return c.width() > 0 }

// Width returns the columns of the terminal, 0 when there is none.
func (c *Console) Width() int { return c.width() }

// Line prints a line of text, which may have several lines itself.
func (c *Console) Line(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	fmt.Fprintln(c.out, text)
	c.draw()
}

// JSON prints v as one line.
func (c *Console) JSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Line(string(b))
	return nil
}

// Status shows a line in place of the one before, none when it is empty; without a
// terminal it is printed like any other.
func (c *Console) Status(text string) {
	columns := c.width()
	if columns == 0 {
		c.Line(text)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	c.status = cut(text, columns-1)
	c.draw()
}

// Close leaves the last status where it is and goes to the next line.
func (c *Console) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != "" {
		fmt.Fprintln(c.out)
		c.status = ""
	}
}

// Above returns a writer whose lines appear above the status: for logs that go
// to the same terminal. Each Write must be whole lines, as slog's are.
func (c *Console) Above(w io.Writer) io.Writer { return above{c, w} }

type above struct {
	console *Console
	out     io.Writer
}

func (a above) Write(b []byte) (int, error) {
	a.console.mu.Lock()
	defer a.console.mu.Unlock()
	a.console.erase()
	n, err := a.out.Write(b)
	a.console.draw()
	return n, err
}

const eraseLine = "\r\x1b[K"

func (c *Console) erase() {
	if c.status != "" {
		fmt.Fprint(c.out, eraseLine)
	}
}

func (c *Console) draw() {
	if c.status != "" {
		fmt.Fprint(c.out, c.status)
	}
}

// cut makes a text fit one line of a terminal.
func cut(text string, columns int) string {
	text, _, _ = strings.Cut(text, "\n")
	if utf8.RuneCountInString(text) <= columns {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(0, columns-1)]) + "…"
}
