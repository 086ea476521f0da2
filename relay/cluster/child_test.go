package cluster_test

// childVariable names, in the environment of the test binary, what it does
// instead of tests: some tests need processes that they can kill.
const childVariable = "MOQEDGE_CLUSTER_TEST_CHILD"

var childs = map[string]func(){}
