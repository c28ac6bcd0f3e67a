import FuzzTargets
import Glibc

// Built by `make fuzz` alone (see Package.swift): libFuzzer's runtime is not everywhere.

/// Named by the environment variable WHARF_FUZZ_TARGET.
private let target: FuzzTarget = {
    let name = unsafe getenv("WHARF_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        print("WHARF_FUZZ_TARGET is '\(name)'; accepted: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
        exit(64)
    }
    return target
}()

/// libFuzzer's entry point.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    unsafe target.run(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
