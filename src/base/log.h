#ifndef WASMBPF_BASE_LOG_H_
#define WASMBPF_BASE_LOG_H_

#include "wasmbpf/log.h"  // Logger is a public type

#endif  // WASMBPF_BASE_LOG_H_
