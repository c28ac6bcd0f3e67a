import FuzzTargets
import Glibc

// Built by `make fuzz` alone (see Package.swift): libFuzzer's runtime is not available everywhere.

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

private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> CInt

/// The package manager gives every executable's main function this name, and links it as the program's: libFuzzer's own would not be found.
@_cdecl("libfuzzer_main")
public func libfuzzerMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = unsafe arguments
    return unsafe runDriver(&count, &arguments, { unsafe testOneInput($0, $1) })
}
