//go:build tools

// Kueue, which admits jobs by quota, as the tests run it.
package tools

import _ "sigs.k8s.io/kueue/cmd/kueue"
