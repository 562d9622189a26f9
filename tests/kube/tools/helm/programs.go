//go:build tools

// Helm, which the tests of the chart build and run.
package tools

import (
	_ "helm.sh/helm/v3/cmd/helm"
)
