// GuestProcess: a guest, as a QEMU process that is a child of this one.
//
//   start ─► boots kernel and initrd of the VM, its only disk over NBD from a unix socket
//   runs  ─► what it says on its serial console is told as it comes
//   exit  ─► told once, with how it went: powered off by itself, ended by us, failed (QEMU's words)
//
// Software emulation always (`-accel tcg`): /dev/kvm may be there and still hang. No shell, no
// network, no monitor; of our file descriptors it gets those of the spec and of the socket's
// folder. It has a process group of its own, so a terminal's Ctrl-C does not reach it, and dies
// with this process, even by SIGKILL.
//
// Threads: one per guest forks the process and waits for it (Linux ties "die with your parent" to
// the thread that forked, so it must be one that lives as long); it calls `on_console`, and last
// `on_exit`, from which the object may be destroyed. start, end and the destructor are for any
// thread. The destructor ends the guest.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bus/secret/bytes.h"
#include "bus/secret/fd.h"
#include "bus/secret/result.h"

namespace keytrail::esxi {

struct GuestSpec {
  Fd kernel, initrd;         // regular files, open to read
  std::string command_line;  // of the kernel; the console and quiet settings come before it
  std::string disk_socket;   // where the disk's NbdServer listens: a path with a folder
  std::uint32_t sector_bytes = 4096;
  std::uint32_t memory_mib = 256;
  std::string program = "qemu-system-x86_64";
};

enum class GuestExitKind { kPoweredOff, kEnded, kFailed };

struct GuestExit {
  GuestExitKind kind = GuestExitKind::kPoweredOff;
  std::string detail;  // empty unless it failed
};

class GuestProcess {
 public:
  using OnConsole = std::function<void(ByteView)>;
  using OnExit = std::function<void(const GuestExit&)>;

  // Returns when QEMU runs, or with the sentence that says why it does not.
  static Result<std::unique_ptr<GuestProcess>> start(GuestSpec spec, OnConsole on_console,
                                                     OnExit on_exit);
  ~GuestProcess();
  GuestProcess(const GuestProcess&) = delete;
  GuestProcess& operator=(const GuestProcess&) = delete;

  // Power off, the hard way: what the guest had not flushed may be lost. Returns when the process
  // is gone.
  void end();

  [[nodiscard]] int pid() const;

 private:
  struct Watch;
  explicit GuestProcess(std::unique_ptr<Watch> watch);

  std::unique_ptr<Watch> watch_;
};

}  // namespace keytrail::esxi
