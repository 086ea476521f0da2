//go:build !unix

package srt

import "syscall"

// enlargeReceiveBuffer leaves the system's default where the option is spelled
// differently.
func enlargeReceiveBuffer(_, _ string, _ syscall.RawConn) error { return nil }
