#include "engine/compile_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/test_support.h"

namespace wasmbpf::engine {
namespace {

namespace fs = std::filesystem;
using test::bytes_of;
using test::engine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kSource = R"((module (func (export "_start"))))";
constexpr std::string_view kOther =
    R"((module (func (export "_start") unreachable)))";

class CompileCacheTest : public ::testing::Test {
 protected:
  CompileCacheTest() {
    std::string name = ::testing::TempDir() + "compile_cache_test.XXXXXX";
    top_ = mkdtemp(name.data());
    path_ = top_ / "cache";
  }
  ~CompileCacheTest() override { fs::remove_all(top_); }

  CompileCache open_cache() const {
    auto cache = CompileCache::open(path_);
    EXPECT_TRUE(cache) << cache.error().message();
    return *cache;
  }

  /// Compiles with a cache and answers whether it came from there.
  bool cached(const CompileCache& cache, std::string_view source = kSource) {
    log_.clear();
    const auto module =
        Module::compile(engine(), bytes_of(source), &cache, logger_);
    EXPECT_TRUE(module) << module.error().message();
    return module && module->from_cache();
  }

  static std::string image_name(std::string_view source) {
    return CompileCache::State::image_name(
        EngineState{{}, engine().fingerprint()}, bytes_of(source));
  }

  fs::path image_path(std::string_view source = kSource) const {
    return path_ / image_name(source);
  }

  std::vector<std::string> images() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path().extension() == ".cwasm") {
        names.push_back(entry.path().filename());
      }
    }
    return names;
  }

  fs::path top_;
  fs::path path_;
  std::vector<std::string> log_;
  const Logger logger_{
      LogLevel::kDebug,
      [this](LogLevel, std::string_view text) { log_.emplace_back(text); }};
};

TEST_F(CompileCacheTest, CompilesOnce) {
  EXPECT_FALSE(cached(open_cache()));
  EXPECT_TRUE(cached(open_cache()));
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_FALSE(cached(open_cache(), kOther));
}

TEST_F(CompileCacheTest, GivesTheModuleThatWasCompiled) {
  const auto cache = open_cache();
  ASSERT_FALSE(cached(cache, kOther));
  const auto module =
      Module::compile(engine(), bytes_of(kOther), &cache, logger_);
  ASSERT_TRUE(module && module->from_cache());
  EXPECT_EQ(*module->image(), *test::compile(kOther).image());
  test::Guest guest(kSource);
  guest.module = *module;
  EXPECT_EQ(guest.run().kind, Exit::Kind::kTrapped);
}

TEST_F(CompileCacheTest, IsForItsOwnerOnly) {
  cached(open_cache());
  const auto mode = [](const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  };
  EXPECT_EQ(mode(path_), 0700u);
  EXPECT_EQ(mode(path_ / "secret"), 0600u);
  EXPECT_EQ(mode(image_path()), 0600u);
}

TEST_F(CompileCacheTest, DependsOnTheEnginesSettings) {
  const EngineState other{{}, engine().fingerprint() + " another CPU"};
  EXPECT_NE(CompileCache::State::image_name(other, bytes_of(kSource)),
            image_name(kSource));
  EXPECT_THAT(engine().fingerprint(), HasSubstr("wasmtime 48."));
}

TEST_F(CompileCacheTest, LeavesNoOtherFiles) {
  cached(open_cache());
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  EXPECT_THAT(names, ElementsAre(image_name(kSource), "secret"));
}

// -- images that may not be used --------------------------------------------

TEST_F(CompileCacheTest, CompilesAgainWhenAnImageIsDamaged) {
  const auto cache = open_cache();
  cached(cache);
  for (const std::uintmax_t offset : {std::uintmax_t{0}, std::uintmax_t{300},
                                      fs::file_size(image_path()) - 1}) {
    {
      std::fstream file(image_path(),
                        std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(offset));
      const char flipped = static_cast<char>(file.get() ^ 1);
      file.seekp(static_cast<std::streamoff>(offset));
      file.put(flipped);
    }
    EXPECT_FALSE(cached(cache)) << offset;
    EXPECT_THAT(log_, ElementsAre(HasSubstr("damaged; compiling again")));
    EXPECT_TRUE(cached(cache));  // and has mended it
  }
}

TEST_F(CompileCacheTest, CompilesAgainWhenAnImageIsTruncated) {
  const auto cache = open_cache();
  cached(cache);
  const auto full = fs::file_size(image_path());
  for (const std::uintmax_t size : {full - 1, full - 32, std::uintmax_t{40},
                                    std::uintmax_t{32}, std::uintmax_t{0}}) {
    fs::resize_file(image_path(), size);
    EXPECT_FALSE(cached(cache)) << size;
    EXPECT_THAT(log_, ElementsAre(HasSubstr("damaged; compiling again")));
  }
}

TEST_F(CompileCacheTest, DoesNotTakeOneImageForAnother) {
  const auto cache = open_cache();
  cached(cache);
  cached(cache, kOther);
  fs::copy_file(image_path(kOther), image_path(kSource),
                fs::copy_options::overwrite_existing);
  EXPECT_FALSE(cached(cache));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("damaged")));
}

TEST_F(CompileCacheTest, DoesNotTakeAnImageOfAnotherDirectory) {
  cached(open_cache());
  const fs::path first = image_path();
  path_ = top_ / "second";
  const auto second = open_cache();
  fs::copy_file(first, image_path());
  EXPECT_FALSE(cached(second));
}

TEST_F(CompileCacheTest, DoesNotTakeAnImageOthersMayWrite) {
  const auto cache = open_cache();
  cached(cache);
  fs::permissions(image_path(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_FALSE(cached(cache));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("open to other users")));
  EXPECT_TRUE(cached(cache));
}

TEST_F(CompileCacheTest, DoesNotFollowLinksOrWaitForPipes) {
  const auto cache = open_cache();
  cached(cache);
  fs::rename(image_path(), path_ / "elsewhere");
  fs::create_symlink(path_ / "elsewhere", image_path());
  EXPECT_FALSE(cached(cache));
  EXPECT_TRUE(cached(cache));

  fs::remove(image_path());
  ASSERT_EQ(mkfifo(image_path().c_str(), 0600), 0);
  EXPECT_FALSE(cached(cache));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("another file type")));
  EXPECT_TRUE(cached(cache));
}

TEST_F(CompileCacheTest, DoesNotTakeAnImageOfAnotherUser) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root, to give a file away";
  }
  const auto cache = open_cache();
  cached(cache);
  ASSERT_EQ(chown(image_path().c_str(), 1, 1), 0);
  EXPECT_FALSE(cached(cache));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("belongs to another user")));
}

// -- directories that may not be used ---------------------------------------

TEST_F(CompileCacheTest, RefusesADirectoryOthersMayWriteTo) {
  open_cache();
  fs::permissions(path_, fs::perms::group_write, fs::perm_options::add);
  const auto cache = CompileCache::open(path_);
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().code(), Errc::kPermission);
}

TEST_F(CompileCacheTest, RefusesADirectoryOfAnotherUser) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root, to give a directory away";
  }
  open_cache();
  ASSERT_EQ(chown(path_.c_str(), 1, 1), 0);
  EXPECT_EQ(CompileCache::open(path_).error().code(), Errc::kPermission);
}

TEST_F(CompileCacheTest, RefusesALinkAndAFile) {
  fs::create_directory(top_ / "real");
  fs::create_symlink(top_ / "real", path_);
  EXPECT_FALSE(CompileCache::open(path_));
  fs::remove(path_);
  std::ofstream(path_) << "x";
  EXPECT_FALSE(CompileCache::open(path_));
  EXPECT_FALSE(CompileCache::open(path_ / "below"));
  EXPECT_EQ(CompileCache::open("").error().code(), Errc::kInvalidArgument);
}

TEST_F(CompileCacheTest, RefusesASecretThatOthersMayRead) {
  open_cache();
  fs::permissions(path_ / "secret", fs::perms::others_read,
                  fs::perm_options::add);
  EXPECT_EQ(CompileCache::open(path_).error().code(), Errc::kPermission);
}

TEST_F(CompileCacheTest, ReplacesADamagedSecret) {
  cached(open_cache());
  fs::resize_file(path_ / "secret", 5);
  EXPECT_FALSE(cached(open_cache()));  // the digest was made with another one
  EXPECT_TRUE(cached(open_cache()));
}

TEST_F(CompileCacheTest, WorksWhereFilesMayNotBeExecuted) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root, to mount a file system";
  }
  fs::create_directory(path_);
  fs::permissions(path_, fs::perms::owner_all);
  // A mount namespace of its own, which ends with the thread.
  std::thread([this] {
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(mount("none", path_.c_str(), "tmpfs", MS_NOEXEC, "mode=0700"), 0);
    EXPECT_FALSE(cached(open_cache()));
    EXPECT_TRUE(cached(open_cache()));
    EXPECT_THAT(log_, IsEmpty());
  }).join();
  EXPECT_THAT(images(), IsEmpty());
}

TEST_F(CompileCacheTest, FailureToWriteCostsAWarningOnly) {
  const auto cache = open_cache();
  fs::remove_all(path_);  // the open directory takes no new files
  EXPECT_FALSE(cached(cache));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("make a file")));
}

// -- size and company -------------------------------------------------------

TEST_F(CompileCacheTest, DropsTheOldestImages) {
  const auto cache = open_cache();
  cached(cache, kSource);
  const auto size = fs::file_size(image_path());
  cached(cache, kOther);
  // The first is the one used last.
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(image_path(kSource), now - std::chrono::hours(1));
  fs::last_write_time(image_path(kOther), now - std::chrono::hours(2));
  fs::last_write_time(path_ / "secret", now - std::chrono::hours(9));
  std::ofstream(path_ / ".new-abandoned") << "x";
  fs::last_write_time(path_ / ".new-abandoned", now - std::chrono::hours(2));

  CompileCache::State state;
  state.path = path_;
  state.directory.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY));
  state.max_total_bytes = 2 * size + 100;
  state.store("third.cwasm", std::vector<std::byte>(size), logger_);
  EXPECT_THAT(images(), ::testing::UnorderedElementsAre(image_name(kSource),
                                                        "third.cwasm"));
  EXPECT_TRUE(fs::exists(path_ / "secret"));
  EXPECT_FALSE(fs::exists(path_ / ".new-abandoned"));
}

TEST_F(CompileCacheTest, RemembersThatAnImageIsInUse) {
  const auto cache = open_cache();
  cached(cache);
  const auto long_ago =
      fs::file_time_type::clock::now() - std::chrono::hours(48);
  fs::last_write_time(image_path(), long_ago);
  EXPECT_TRUE(cached(cache));
  EXPECT_GT(fs::last_write_time(image_path()), long_ago);
}

TEST_F(CompileCacheTest, ManyAtOnceAgreeOnASecret) {
  std::vector<std::thread> threads;
  std::array<Digest, 8> secrets{};
  for (Digest& secret : secrets) {
    threads.emplace_back([this, &secret] {
      const auto cache = CompileCache::open(path_);
      if (cache) {
        const auto module =
            Module::compile(engine(), bytes_of(kSource), &*cache, Logger());
        EXPECT_TRUE(module);
        std::ifstream file(path_ / "secret", std::ios::binary);
        file.read(reinterpret_cast<char*>(secret.data()), secret.size());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_NE(secrets[0], Digest{});
  EXPECT_THAT(secrets, ::testing::Each(secrets[0]));
  EXPECT_TRUE(cached(open_cache()));
}

TEST(CompileCacheDirectoryTest, FollowsTheUser) {
  const char* const xdg = std::getenv("XDG_CACHE_HOME");
  const std::string saved = xdg != nullptr ? xdg : "";
  setenv("XDG_CACHE_HOME", "/somewhere", 1);
  EXPECT_EQ(CompileCache::default_directory(),
            geteuid() == 0 ? "/var/cache/wasm-bpf" : "/somewhere/wasm-bpf");
  if (xdg != nullptr) {
    setenv("XDG_CACHE_HOME", saved.c_str(), 1);
  } else {
    unsetenv("XDG_CACHE_HOME");
  }
}

}  // namespace
}  // namespace wasmbpf::engine
