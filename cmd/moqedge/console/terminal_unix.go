//go:build unix

package console

import (
	"os"

	"golang.org/x/sys/unix"
)

// Width returns the columns of the terminal that f is, 0 when it is none.
func Width(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	if size.Col == 0 {
		return 80 // a terminal that does not know its size
	}
	return int(size.Col)
}
