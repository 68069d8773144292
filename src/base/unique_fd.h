#ifndef WASMBPF_BASE_UNIQUE_FD_H_
#define WASMBPF_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace wasmbpf {

/// Owns one file descriptor and closes it.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) {
      ::close(fd_);  // EINTR: Linux has closed it all the same
    }
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace wasmbpf

#endif  // WASMBPF_BASE_UNIQUE_FD_H_
