#include "cli/answer.h"

#include <cstdio>

#include "cli/output.h"

namespace keytrail::cli {

Exit show(const Globals& globals, const Result<std::string>& answer, const View& view) {
  if (!answer.ok()) return fail(answer.error());
  if (globals.json) {
    print(*answer);
  } else {
    std::fputs(format_json(*answer, view).c_str(), stdout);
  }
  return Exit::kDone;
}

}  // namespace keytrail::cli
