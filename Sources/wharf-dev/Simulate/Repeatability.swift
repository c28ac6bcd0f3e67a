import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// Swift gives sets and dictionaries another order in each process, unless this is switched off before the process starts.
enum Repeatability {
    private static let variable = "SWIFT_DETERMINISTIC_HASHING"

    /// Returns when hashing is the same in every process; otherwise this process restarts itself with that switched on.
    static func ensure() throws {
        guard ProcessInfo.processInfo.environment[variable] == nil else { return }
        unsafe setenv(variable, "1", 1)
        var arguments = unsafe CommandLine.arguments.map { unsafe strdup($0) as UnsafeMutablePointer<CChar>? }
        unsafe arguments.append(nil)
        unsafe execv("/proc/self/exe", arguments)
        // Only a failed call returns.
        throw RepeatabilityError()
    }
}

struct RepeatabilityError: Error, CustomStringConvertible {
    let description = "The program could not be started again; set SWIFT_DETERMINISTIC_HASHING=1 and run it again."
}
