package settlement

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// birthOf is a file's number and when it was made; where the file system does not keep that, when it was last changed.
func birthOf(file string) (string, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, file, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil || st.Mask&unix.STATX_BTIME == 0 {
		return changeOf(file)
	}
	return fmt.Sprintf("%d made at %d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec), nil
}
