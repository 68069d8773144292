#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/engine.h"
#include "engine/test_support.h"

namespace wasmbpf::engine {
namespace {

using test::bytes_of;
using test::engine;
using ::testing::HasSubstr;
using ::testing::Not;

Error compile_error(std::string_view source) {
  const auto module =
      Module::compile(engine(), bytes_of(source), nullptr, Logger());
  EXPECT_FALSE(module);
  return module ? Error(Errc::kInternal, "") : module.error();
}

TEST(ModuleTest, TakesBinariesAndText) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(Module::compile(engine(), bytes_of("\0asm\1\0\0\0"sv), nullptr,
                              Logger()));
  EXPECT_TRUE(Module::compile(engine(), bytes_of("\n ;; a comment\n(module)"),
                              nullptr, Logger()));
}

TEST(ModuleTest, SaysWhatIsWrong) {
  using namespace std::string_view_literals;
  const struct {
    std::string_view source;
    const char* message;
  } kCases[] = {
      {"", "it is empty"},
      {"\x7f"
       "ELF\2\1\1",
       "ELF file"},
      {"MZ\x90\0"sv, "it starts with 4d 5a 90 00"},
      {"\0as"sv, "it starts with 00 61 73"},
      {"\0asm\x0d\0\x01\0"sv, "component"},
      {"\0asm\1\0\0\0\7"sv, "at offset 0x9"},
      {"\0asm\2\0\0\0"sv, "version"},
      {"(module (func (result i32)))", "type mismatch"},
      {"(module", "not valid WebAssembly text"},
      {"(module \xff)", "utf-8"},
  };
  for (const auto& bad : kCases) {
    const Error error = compile_error(bad.source);
    EXPECT_EQ(error.code(), Errc::kInvalidModule) << error.message();
    EXPECT_THAT(error.message(), HasSubstr(bad.message));
  }
}

TEST(ModuleTest, KeepsTheEnginesReasonOnOneLine) {
  // Text errors quote the source, binary ones have causes of causes.
  const Error error = compile_error("(module (func (result i32)))");
  EXPECT_THAT(error.message(), Not(HasSubstr("Caused by")));
  EXPECT_THAT(error.message(), Not(HasSubstr("\n")));
}

TEST(ModuleTest, RefusesWhatThisEngineIsNotSetUpFor) {
  EXPECT_THAT(compile_error("(module (memory i64 1))").message(),
              HasSubstr("memory64"));
}

TEST(ModuleTest, ListsImports) {
  const Module module = test::compile(R"((module
    (import "a" "f" (func (param i32 i64) (result f64)))
    (import "b" "m" (memory 1))
    (import "b" "t" (table 1 funcref))
    (import "b" "g" (global i32))
    (import "c" "v" (func (param v128 funcref)))))");
  const auto imports = module.imports();
  ASSERT_EQ(imports.size(), 5u);
  EXPECT_EQ(imports[0].module, "a");
  EXPECT_EQ(imports[0].name, "f");
  EXPECT_EQ(imports[0].kind, ExternKind::kFunction);
  EXPECT_EQ(to_string(imports[0].type), "(i32 i64) -> f64");
  EXPECT_EQ(imports[1].kind, ExternKind::kMemory);
  EXPECT_EQ(imports[2].kind, ExternKind::kTable);
  EXPECT_EQ(imports[3].kind, ExternKind::kGlobal);
  EXPECT_EQ(to_string(imports[4].type), "(v128 ref) -> ()");
}

TEST(ModuleTest, ListsExports) {
  const Module module = test::compile(R"((module
    (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2))
    (memory (export "bounded") 2 5)
    (memory (export "open") 3)
    (table (export "callbacks") 1 funcref)
    (global (export "g") i32 (i32.const 0))))");
  const auto exports = module.exports();
  ASSERT_EQ(exports.size(), 5u);
  EXPECT_EQ(to_string(exports[0].type), "() -> (i32 i32)");
  EXPECT_EQ(exports[1].memory.min_pages, 2u);
  EXPECT_EQ(exports[1].memory.max_pages, 5u);
  EXPECT_EQ(exports[2].memory.min_pages, 3u);
  EXPECT_EQ(exports[2].memory.max_pages, std::nullopt);
  EXPECT_TRUE(exports[3].is_function_table);
  EXPECT_EQ(exports[4].kind, ExternKind::kGlobal);
}

class ImageTest : public ::testing::Test {
 protected:
  ~ImageTest() override { std::filesystem::remove(path_); }

  void write(std::span<const std::byte> image) const {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(image.data()),
               static_cast<std::streamsize>(image.size()));
  }

  const std::filesystem::path path_ =
      ::testing::TempDir() + "image_test." + std::to_string(getpid());
};

TEST_F(ImageTest, RunsLikeItsModule) {
  const Module module =
      test::compile(R"((module (func $boom (export "_start") unreachable)))");
  const auto image = module.image();
  ASSERT_TRUE(image);
  EXPECT_TRUE(looks_like_image(*image));
  write(*image);

  const auto again = Module::from_image_file(engine(), path_);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_FALSE(again->from_cache());
  EXPECT_EQ(*again->image(), *image);
  const auto interrupt = Interrupt::create();
  auto instance = Instance::create(engine(), *again, {}, **interrupt);
  ASSERT_TRUE(instance);
  const auto exit = instance->run();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->kind, Exit::Kind::kTrapped);
  EXPECT_EQ(exit->backtrace.at(0).function, "boom");
}

TEST_F(ImageTest, IsCheckedAgainstThisEngine) {
  auto image = test::compile("(module)").image();
  ASSERT_TRUE(image);
  // The engine's major version is text in the image, after its length.
  const std::string_view version =
      "\x02"
      "48";
  const auto found = std::ranges::search(*image, bytes_of(version));
  ASSERT_FALSE(found.empty());
  found[1] = std::byte{'3'};
  write(*image);
  const auto module = Module::from_image_file(engine(), path_);
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().code(), Errc::kInvalidModule);
  EXPECT_THAT(module.error().message(), HasSubstr("version '38'"));
}

TEST_F(ImageTest, RefusesOtherFiles) {
  EXPECT_EQ(Module::from_image_file(engine(), path_).error().code(),
            Errc::kInvalidModule);
  write(
      bytes_of("\x7f"
               "ELF, but no more"));
  EXPECT_EQ(Module::from_image_file(engine(), path_).error().code(),
            Errc::kInvalidModule);
  EXPECT_FALSE(
      looks_like_image(bytes_of("\x7f"
                                "EL")));
}

}  // namespace
}  // namespace wasmbpf::engine
