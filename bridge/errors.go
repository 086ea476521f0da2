package bridge

import "errors"

var (
	// ErrNameInUse: another publisher holds the name. The wrapping text says who.
	ErrNameInUse = errors.New("name is in use")
	// ErrBadName: a name is 1 to 64 of [A-Za-z0-9._-] and does not start with a dot.
	ErrBadName = errors.New("bad name: want 1 to 64 letters, digits, '.', '_' or '-', not starting with '.'")
	// ErrClosed: the hub or the broadcast is closed.
	ErrClosed = errors.New("broadcast is closed")
	// ErrUnsupported: the codec or its configuration cannot be carried.
	ErrUnsupported = errors.New("not supported")
	// ErrUnauthorized: no credential, or one that is not good or not any more.
	ErrUnauthorized = errors.New("a token is needed that is good here")
	// ErrForbidden: the credential is good for something else.
	ErrForbidden = errors.New("the token does not permit to publish this name")
	// ErrUnknownPermission: whoever decides can not be asked now.
	ErrUnknownPermission = errors.New("it can not be found out now who may publish: try again")
	// ErrTooLarge: a frame exceeds Config.MaxObjectSize; it ends the broadcast.
	ErrTooLarge = errors.New("frame is larger than the object size limit")
)
