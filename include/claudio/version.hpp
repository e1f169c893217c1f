#pragma once

#define CLAUDIO_VERSION "0.1.0"
