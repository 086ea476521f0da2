// Package build says what binary this is: the version and revision that the Go
// command recorded, or those that who built it gave, as where there is no repository
// beside the source (the Dockerfile):
//
//	go build -ldflags "-X moqedge/cmd/moqedge/build.version=v1.2.3 -X moqedge/cmd/moqedge/build.revision=$(git rev-parse HEAD)"
//
// It must know nothing else of this module. Start reading at Read.
package build
