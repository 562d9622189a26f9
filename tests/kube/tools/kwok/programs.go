//go:build tools

// The simulator of nodes and pods that the scale test builds and runs.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
