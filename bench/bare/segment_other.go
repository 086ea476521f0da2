//go:build !linux

package bare

import (
	"errors"
	"net"
)

// segment is for Linux alone.
func segment(*net.UDPConn, int) error { return errors.ErrUnsupported }
