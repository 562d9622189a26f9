//go:build tools

// An S3 server on a folder, which the soak of remote files builds and runs.
package tools

import (
	_ "github.com/versity/versitygw/cmd/versitygw"
)
