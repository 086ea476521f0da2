// Package deploy has what operators install nodes with, each in a folder: the image
// (docker), a tree of three nodes with Prometheus and Grafana (compose, prometheus,
// grafana), a unit of systemd (systemd) and a chart for Kubernetes (helm).
//
// There is no code but tests. They hold all of it against the program: it is built as the
// Dockerfile says, and that binary is what checks the configurations, runs the tree and
// tells the metrics that rules and dashboards name. They are a module of their own, which
// imports nothing of the product. Start reading at binary (image_test.go) and tree
// (tree_test.go); docs/operating.md is for operators.
package deploy
