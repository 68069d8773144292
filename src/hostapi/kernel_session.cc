#include "hostapi/kernel_session.h"

#include <algorithm>
#include <cstring>
#include <ranges>

namespace wasmbpf::hostapi {
namespace {

policy::ObjectFacts facts_of(const bpf::OpenObject& object) {
  policy::ObjectFacts facts;
  for (const bpf::ProgramInfo& program : object.programs()) {
    facts.programs.push_back(
        {program.name, program.section, program.type_name});
  }
  for (const bpf::MapDeclaration& map : object.maps()) {
    facts.maps.push_back({map.name, map.type_name, map.key_size, map.value_size,
                          map.max_entries});
  }
  return facts;
}

/// Keeps an object open while a call uses it.
class InUse {
 public:
  explicit InUse(std::shared_ptr<GuestObject> object)
      : object_(std::move(object)) {
    ++object_->calls_under_way;
  }
  InUse(const InUse&) = delete;
  ~InUse() { --object_->calls_under_way; }
  GuestObject& operator*() const { return *object_; }
  GuestObject* operator->() const { return object_.get(); }

 private:
  std::shared_ptr<GuestObject> object_;
};

Error needs_descriptor(const GuestMap& map, std::string_view what) {
  return Error(Errc::kUnsupported,
               "map '" + map.name() + "' (" + map.facts.type + "): its " +
                   std::string(what) +
                   " is a file descriptor, which a guest cannot have");
}

}  // namespace

KernelSession::KernelSession(Options options) : options_(std::move(options)) {}

KernelSession::~KernelSession() { close_all(); }

void KernelSession::close_all() {
  for (const Handle handle : std::views::reverse(open_order_)) {
    if (auto object = find<GuestObject>(handle)) {
      for (const auto& [id, map] : (*object)->map_handles) {
        (void)resources_.remove(map);
      }
      (void)resources_.remove(handle);
    }
  }
  open_order_.clear();
}

Result<Handle> KernelSession::load(std::span<const std::byte> elf) {
  WASMBPF_TRY_ASSIGN(
      bpf::OpenObject open,
      bpf::OpenObject::from_bytes(elf, options_.name, options_.logger));
  WASMBPF_TRY(options_.policy->allow_load(facts_of(open)));
  WASMBPF_TRY_ASSIGN(bpf::LoadedObject loaded, std::move(open).load());
  WASMBPF_TRY_ASSIGN(
      const Handle handle,
      resources_.insert(std::make_shared<GuestObject>(std::move(loaded))));
  open_order_.push_back(handle);
  return handle;
}

void KernelSession::keep_verifier_log(const Error& error) const {
  if (!error.log().empty() && options_.on_verifier_log) {
    options_.on_verifier_log(error.log());
  }
}

Status KernelSession::close(std::uint64_t handle) {
  WASMBPF_TRY_ASSIGN(const auto object, find<GuestObject>(handle));
  if (object->calls_under_way > 0) {
    return Error(Errc::kBusy, "the object is in use by a call under way");
  }
  // First, so that no sample comes after the count.
  object->links.clear();
  collect_reports(*object);
  for (const auto& [id, map] : object->map_handles) {
    WASMBPF_TRY(resources_.remove(map));
  }
  std::erase(open_order_, handle);
  WASMBPF_TRY(resources_.remove(handle));
  return {};
}

Status KernelSession::attach(std::uint64_t handle, const std::string& program,
                             const std::string& target) {
  WASMBPF_TRY_ASSIGN(const auto object, find<GuestObject>(handle));
  WASMBPF_TRY_ASSIGN(const bpf::ProgramInfo facts,
                     object->object.attachable(program));
  WASMBPF_TRY(options_.policy->allow_attach(
      {facts.name, facts.section, facts.type_name}, target));
  // Before the first event can come: a perf buffer that nobody has opened drops
  // events without a count.
  WASMBPF_TRY(open_buffers(*object));
  WASMBPF_TRY_ASSIGN(std::vector<bpf::Link> links,
                     object->object.attach(program, target));
  std::ranges::move(links, std::back_inserter(object->links));
  return {};
}

Result<Handle> KernelSession::map_by_name(std::uint64_t handle,
                                          const std::string& name) {
  WASMBPF_TRY_ASSIGN(const auto object, find<GuestObject>(handle));
  WASMBPF_TRY_ASSIGN(bpf::Map map, object->object.map(name));
  const bpf::MapInfo info = map.info();
  // By its id: libbpf knows some maps by two names (".bss", "tool.bss").
  if (const auto known = object->map_handles.find(info.id);
      known != object->map_handles.end()) {
    return known->second;
  }
  WASMBPF_TRY_ASSIGN(
      const Handle made,
      resources_.insert(std::make_shared<GuestMap>(
          static_cast<Handle>(handle), std::move(map),
          policy::MapFacts{object->object.declared_name(name), info.type_name,
                           info.key_size, info.value_size, info.max_entries})));
  object->map_handles.emplace(info.id, made);
  return made;
}

Status KernelSession::allow_read(const GuestMap& map) const {
  return options_.policy->allow_map_read(map.facts);
}

Status KernelSession::allow_write(const GuestMap& map) const {
  WASMBPF_TRY(options_.policy->allow_map_write(map.facts));
  if (map.map.info().descriptor_use == bpf::DescriptorUse::kNeverWritten) {
    return Error(Errc::kUnsupported,
                 "map '" + map.name() + "' (" + map.facts.type +
                     "): a guest cannot write to maps of this type");
  }
  return {};
}

Status KernelSession::translate_key(const GuestMap& map) const {
  if (map.map.info().descriptor_use == bpf::DescriptorUse::kDescriptorInKey) {
    return needs_descriptor(map, "key");
  }
  return {};
}

Status KernelSession::translate_value(const GuestMap& map,
                                      std::span<std::byte> value) const {
  const auto word_at = [&](std::size_t offset) {
    std::uint32_t word = 0;
    std::memcpy(&word, value.data() + offset, sizeof word);
    return word;
  };
  switch (map.map.info().descriptor_use) {
    case bpf::DescriptorUse::kNone:
    case bpf::DescriptorUse::kNeverWritten: return {};  // by allow_write
    case bpf::DescriptorUse::kDescriptorInKey:
      return needs_descriptor(map, "key");
    case bpf::DescriptorUse::kDescriptorInValue:
      return needs_descriptor(map, "value");
    case bpf::DescriptorUse::kProgramAfterValue:
      // The kernel reads a program descriptor here when it is positive.
      if (value.size() >= 8 && static_cast<std::int32_t>(word_at(4)) > 0) {
        return needs_descriptor(map, "value's second word");
      }
      return {};
    case bpf::DescriptorUse::kMapInValue: {
      if (value.size() != sizeof(std::int32_t)) {
        return Error(Errc::kInvalidArgument,
                     "the value of '" + map.name() + "' is one map handle");
      }
      WASMBPF_TRY_ASSIGN(const auto inner, find<GuestMap>(word_at(0)));
      const int fd = inner->map.fd();
      std::memcpy(value.data(), &fd, sizeof fd);
      return {};
    }
  }
  return {};
}

Status KernelSession::open_buffers(GuestObject& object) {
  for (const std::string& name : object.object.map_names()) {
    if (object.buffers.contains(name)) {
      continue;
    }
    WASMBPF_TRY_ASSIGN(const bpf::Map map, object.object.map(name));
    if (!map.info().is_ring_buffer && !map.info().is_perf_buffer) {
      continue;
    }
    WASMBPF_TRY_ASSIGN(auto buffer, bpf::Buffer::open(map));
    object.buffers.emplace(name, GuestBuffer{std::move(buffer)});
  }
  return {};
}

Result<GuestBuffer*> KernelSession::buffer_of(GuestObject& object,
                                              const GuestMap& map) {
  if (const auto known = object.buffers.find(map.name());
      known != object.buffers.end()) {
    return &known->second;
  }
  WASMBPF_TRY_ASSIGN(auto buffer, bpf::Buffer::open(map.map));
  return &object.buffers.emplace(map.name(), GuestBuffer{std::move(buffer)})
              .first->second;
}

Result<std::uint32_t> KernelSession::poll(
    std::uint64_t object_handle, std::uint64_t map_handle, Interrupt& interrupt,
    std::optional<std::chrono::nanoseconds> timeout,
    const bpf::Buffer::OnSample& on_sample) {
  WASMBPF_TRY_ASSIGN(auto found, find<GuestObject>(object_handle));
  WASMBPF_TRY_ASSIGN(const auto map, find<GuestMap>(map_handle));
  if (map->object != object_handle) {
    return Error(Errc::kInvalidArgument,
                 "map '" + map->name() + "' belongs to another object");
  }
  WASMBPF_TRY(allow_read(*map));
  const InUse object(std::move(found));
  WASMBPF_TRY_ASSIGN(GuestBuffer * buffer, buffer_of(*object, *map));
  return buffer->buffer->poll(interrupt, timeout, on_sample);
}

void KernelSession::count_truncated(std::uint64_t map_handle) {
  const auto map = find<GuestMap>(map_handle);
  if (!map) {
    return;
  }
  const auto object = find<GuestObject>((*map)->object);
  if (!object) {
    return;
  }
  const auto buffer = (*object)->buffers.find((*map)->name());
  if (buffer != (*object)->buffers.end()) {
    ++buffer->second.truncated;
  }
}

void KernelSession::collect_reports(const GuestObject& object) {
  for (const auto& [name, buffer] : object.buffers) {
    BufferReport report{name, buffer.buffer->stats(), {}, buffer.truncated};
    if (report.stats.counts_losses) {
      report.lost = report.stats.lost;
    } else if (const auto counted = object.object.counted_losses(name)) {
      report.lost = *counted;
    } else {
      options_.logger.debug("losses of '" + name +
                            "': " + counted.error().message());
    }
    reports_.add(std::move(report));
  }
}

std::vector<BufferReport> KernelSession::finish() {
  for (const Handle handle : std::views::reverse(open_order_)) {
    if (const auto object = find<GuestObject>(handle)) {
      (*object)->links.clear();
    }
  }
  for (const Handle handle : open_order_) {
    if (const auto object = find<GuestObject>(handle)) {
      collect_reports(**object);
    }
  }
  close_all();
  return reports_.all();
}

}  // namespace wasmbpf::hostapi
