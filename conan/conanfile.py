from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy
import os


class ClaudioConan(ConanFile):
    name = "claudio"
    version = "0.1.0"
    description = "C++20 coroutine runtime for Anthropic's Claude models on Boost.Asio"
    license = "BSL-1.0"
    topics = ("anthropic", "claude", "llm", "asio", "beast", "coroutines")
    settings = "os", "compiler", "build_type", "arch"
    options = {"fPIC": [True, False], "store": [True, False], "tools": [True, False]}
    default_options = {"fPIC": True, "store": True, "tools": False}

    def export_sources(self):
        root = os.path.dirname(self.recipe_folder)
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "lib/*", "tools/*", "docs/*",
                        "test/lint/coroutine_lint.py"):
            copy(self, pattern, src=root, dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        self.requires("openssl/[>=3 <4]")
        self.requires("spdlog/[>=1.10 <2]")
        if self.options.store:
            self.requires("sqlite3/[>=3.37 <4]")
            self.requires("libpq/[>=14]")
        if self.options.tools:
            self.requires("cli11/[>=2.1 <3]")

    def validate(self):
        if self.options.tools and not self.options.store:
            raise ConanInvalidConfiguration("the program needs the store: set claudio/*:store=True")

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["CLAUDIO_BUILD_TESTS"] = False
        toolchain.cache_variables["CLAUDIO_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["CLAUDIO_BUILD_STORE"] = bool(self.options.store)
        toolchain.cache_variables["CLAUDIO_BUILD_TOOLS"] = bool(self.options.tools)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "claudio")
        core = self.cpp_info.components["core"]
        core.set_property("cmake_target_name", "claudio::core")
        core.libs = ["claudio_core"]
        core.requires = ["boost::headers", "boost::json"]
        runtime = self.cpp_info.components["claudio"]
        runtime.set_property("cmake_target_name", "claudio::claudio")
        runtime.libs = ["claudio_runtime"]
        runtime.requires = ["core", "openssl::openssl", "spdlog::spdlog"]
        if self.options.store:
            store = self.cpp_info.components["store"]
            store.set_property("cmake_target_name", "claudio::store")
            store.libs = ["claudio_store"]
            store.requires = ["claudio", "openssl::openssl", "libpq::libpq", "spdlog::spdlog", "sqlite3::sqlite3"]
        testing = self.cpp_info.components["testing"]
        testing.set_property("cmake_target_name", "claudio::testing")
        testing.libs = ["claudio_testing"]
        testing.requires = ["claudio", "openssl::openssl"]
