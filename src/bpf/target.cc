#include "bpf/target.h"

#include <linux/netfilter.h>

#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "base/printable.h"
#include "bpf/errors.h"

namespace wasmbpf::bpf {
namespace {

Error bad_target(std::string_view text, std::string_view what,
                 std::string_view grammar) {
  return Error(Errc::kInvalidArgument,
               "attach target '" + printable(text) + "': " + printable(what) +
                   "; expected " + std::string(grammar));
}

template <typename T>
std::optional<T> number(std::string_view text) {
  const bool hex = text.starts_with("0x");
  T value{};
  const char* const begin = text.data() + (hex ? 2 : 0);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (error != std::errc() || stop != end || begin == end) {
    return std::nullopt;
  }
  return value;
}

/// Splits off the trailing ",key=value" parts that `text` has, last first.
/// What is no option stays: file names may have commas.
struct Options {
  std::string_view rest;
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  bool repeated = false;  ///< one of them is given twice
};
Options split_options(std::string_view text,
                      std::initializer_list<std::string_view> keys) {
  Options options{text, {}};
  for (;;) {
    const std::size_t comma = options.rest.rfind(',');
    if (comma == std::string_view::npos) {
      return options;
    }
    const std::string_view last = options.rest.substr(comma + 1);
    const std::size_t equals = last.find('=');
    bool known = false;
    for (const std::string_view key : keys) {
      known = known || last.substr(0, equals) == key;
    }
    if (!known || equals == std::string_view::npos) {
      return options;
    }
    for (const auto& [key, value] : options.pairs) {
      options.repeated = options.repeated || key == last.substr(0, equals);
    }
    options.pairs.emplace_back(last.substr(0, equals), last.substr(equals + 1));
    options.rest = options.rest.substr(0, comma);
  }
}

/// The process of "pid=N", which must be positive.
std::optional<int> process_number(std::string_view text) {
  const auto pid = number<int>(text);
  return pid && *pid > 0 ? pid : std::nullopt;
}

constexpr std::string_view kRepeated = "an option is given twice";
constexpr std::string_view kInterfaceGrammar =
    "IFACE[:ingress|:egress|:primary|:peer][,prio=N]";
constexpr std::string_view kPerfEventGrammar = "freq=N[,cpu=N][,pid=N]";
constexpr std::string_view kUprobeGrammar = "BINARY:SYMBOL[+OFFSET][,pid=N]";
constexpr std::string_view kKprobeGrammar = "FUNCTION[+OFFSET]";
constexpr std::string_view kUsdtGrammar = "PROVIDER:NAME@BINARY[,pid=N]";
constexpr std::string_view kNetfilterGrammar = "inet4|inet6:HOOK[,prio=N]";
constexpr std::string_view kSymbolCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$";
constexpr std::uint32_t kMaxFrequency = 100'000;  // the kernel's own default

}  // namespace

Result<InterfaceTarget> parse_interface_target(std::string_view text) {
  using Side = InterfaceTarget::Side;
  constexpr std::array<std::pair<std::string_view, Side>, 4> kSides{
      {{"ingress", Side::kIngress},
       {"egress", Side::kEgress},
       {"primary", Side::kPrimary},
       {"peer", Side::kPeer}}};
  const Options options = split_options(text, {"prio"});
  if (options.repeated) {
    return bad_target(text, kRepeated, kInterfaceGrammar);
  }
  InterfaceTarget target;
  target.interface = options.rest;
  if (const std::size_t colon = options.rest.rfind(':');
      colon != std::string_view::npos) {
    const std::string_view word = options.rest.substr(colon + 1);
    for (const auto& [name, side] : kSides) {
      if (word == name) {
        target.side = side;
      }
    }
    if (target.side == Side::kNone) {
      return bad_target(text, "no side '" + std::string(word) + "'",
                        kInterfaceGrammar);
    }
    target.interface = options.rest.substr(0, colon);
  }
  // The kernel would cut the name at a colon, as for the aliases of old.
  if (target.interface.empty() || target.interface.contains(':')) {
    return bad_target(text, "no interface", kInterfaceGrammar);
  }
  for (const auto& [key, value] : options.pairs) {
    target.priority = number<std::uint16_t>(value);  // as wide as tc's
    if (!target.priority || *target.priority == 0) {
      return bad_target(text, "prio is a number from 1 to 65535",
                        kInterfaceGrammar);
    }
  }
  return target;
}

Result<PerfEventTarget> parse_perf_event_target(std::string_view text) {
  PerfEventTarget target;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size()
                                                       : comma + 1);
    const std::size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? "" : part.substr(equals + 1);
    bool good = false;
    if (key == "freq" && target.frequency == 0) {
      const auto frequency = number<std::uint32_t>(value);
      good = frequency && *frequency > 0 && *frequency <= kMaxFrequency;
      target.frequency = good ? *frequency : 0;
    } else if (key == "cpu" && !target.cpu) {
      target.cpu = number<int>(value);
      good = target.cpu && *target.cpu >= 0;
    } else if (key == "pid" && !target.pid) {
      target.pid = process_number(value);
      good = target.pid.has_value();
    }
    if (!good) {
      return bad_target(text,
                        "cannot read '" + std::string(part) +
                            "' (freq is from 1 to 100000, cpu and pid are "
                            "numbers, each is given once)",
                        kPerfEventGrammar);
    }
  }
  if (text.ends_with(',')) {
    return bad_target(text, "nothing behind the last comma", kPerfEventGrammar);
  }
  if (target.frequency == 0) {
    return bad_target(text, "freq is missing (samples a second)",
                      kPerfEventGrammar);
  }
  return target;
}

Result<KprobeTarget> parse_kprobe_target(std::string_view text) {
  KprobeTarget target;
  const std::size_t plus = text.find('+');
  target.function = text.substr(0, plus);
  if (target.function.empty() || target.function.find_first_not_of(
                                     kSymbolCharacters) != std::string::npos) {
    return bad_target(text, "no function name", kKprobeGrammar);
  }
  if (plus != std::string_view::npos) {
    const auto offset = number<std::uint64_t>(text.substr(plus + 1));
    if (!offset) {
      return bad_target(text, "the offset is no number", kKprobeGrammar);
    }
    target.offset = *offset;
  }
  return target;
}

Result<UprobeTarget> parse_uprobe_target(std::string_view text) {
  const Options options = split_options(text, {"pid"});
  if (options.repeated) {
    return bad_target(text, kRepeated, kUprobeGrammar);
  }
  UprobeTarget target;
  for (const auto& [key, value] : options.pairs) {
    target.pid = process_number(value);
    if (!target.pid) {
      return bad_target(text, "pid is a process number", kUprobeGrammar);
    }
  }
  // The last colon: a path may have some, a symbol only C++'s pairs.
  std::string_view rest = options.rest;
  std::size_t colon = rest.rfind(':');
  while (colon != std::string_view::npos && colon > 0 &&
         rest[colon - 1] == ':') {
    colon = colon < 2 ? std::string_view::npos : rest.rfind(':', colon - 2);
  }
  if (colon == std::string_view::npos || colon == 0 ||
      colon + 1 == rest.size()) {
    return bad_target(text, "no BINARY:SYMBOL", kUprobeGrammar);
  }
  target.binary = rest.substr(0, colon);
  std::string_view place = rest.substr(colon + 1);
  if (const auto offset = number<std::uint64_t>(place)) {
    target.offset = *offset;  // a file offset, no symbol
    return target;
  }
  if (const std::size_t plus = place.rfind('+');
      plus != std::string_view::npos) {
    const auto offset = number<std::uint64_t>(place.substr(plus + 1));
    if (!offset || plus == 0) {
      return bad_target(text, "the offset is no number", kUprobeGrammar);
    }
    target.offset = *offset;
    place = place.substr(0, plus);
  }
  target.symbol = place;
  return target;
}

Result<UsdtTarget> parse_usdt_target(std::string_view text) {
  const Options options = split_options(text, {"pid"});
  if (options.repeated) {
    return bad_target(text, kRepeated, kUsdtGrammar);
  }
  UsdtTarget target;
  for (const auto& [key, value] : options.pairs) {
    target.pid = process_number(value);
    if (!target.pid) {
      return bad_target(text, "pid is a process number", kUsdtGrammar);
    }
  }
  const std::size_t colon = options.rest.find(':');
  const std::size_t at = options.rest.find('@');
  if (colon == std::string_view::npos || at == std::string_view::npos ||
      colon == 0 || at <= colon + 1 || at + 1 == options.rest.size()) {
    return bad_target(text, "no PROVIDER:NAME@BINARY", kUsdtGrammar);
  }
  target.provider = options.rest.substr(0, colon);
  target.name = options.rest.substr(colon + 1, at - colon - 1);
  target.binary = options.rest.substr(at + 1);
  return target;
}

Result<NetfilterTarget> parse_netfilter_target(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint32_t>, 2> kFamilies{
      {{"inet4", NFPROTO_IPV4}, {"inet6", NFPROTO_IPV6}}};
  constexpr std::array<std::pair<std::string_view, std::uint32_t>, 5> kHooks{
      {{"pre_routing", NF_INET_PRE_ROUTING},
       {"local_in", NF_INET_LOCAL_IN},
       {"forward", NF_INET_FORWARD},
       {"local_out", NF_INET_LOCAL_OUT},
       {"post_routing", NF_INET_POST_ROUTING}}};
  const Options options = split_options(text, {"prio"});
  if (options.repeated) {
    return bad_target(text, kRepeated, kNetfilterGrammar);
  }
  const std::size_t colon = options.rest.find(':');
  NetfilterTarget target;
  bool family_found = false;
  bool hook_found = false;
  for (const auto& [name, family] : kFamilies) {
    if (options.rest.substr(0, colon) == name) {
      target.protocol_family = family;
      family_found = true;
    }
  }
  for (const auto& [name, hook] : kHooks) {
    if (colon != std::string_view::npos &&
        options.rest.substr(colon + 1) == name) {
      target.hook = hook;
      hook_found = true;
    }
  }
  if (!family_found || !hook_found) {
    return bad_target(
        text, family_found ? "no such hook" : "no such protocol family",
        std::string(kNetfilterGrammar) +
            " with pre_routing, local_in, forward, local_out or post_routing");
  }
  for (const auto& [key, value] : options.pairs) {
    const auto priority = number<std::int32_t>(value);
    // The kernel keeps both ends for connection tracking's defragmentation.
    if (!priority || *priority == std::numeric_limits<std::int32_t>::min() ||
        *priority == std::numeric_limits<std::int32_t>::max()) {
      return bad_target(text, "prio is a number", kNetfilterGrammar);
    }
    target.priority = *priority;
  }
  return target;
}

}  // namespace wasmbpf::bpf
