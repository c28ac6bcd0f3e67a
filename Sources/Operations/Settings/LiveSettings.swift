public import Logging
public import Runtime
import Synchronization

/// The settings of a running role. Files that hold settings (`<NAME>_FILE`) are read again when they have changed; all other settings stay as they were at start.
///
/// A change takes effect when the setting is next used: for the next connection, call or signature. If the new contents cannot be used, this is logged, and the previous
/// settings stay in force.
public final class LiveSettings: Sendable {
    private struct State {
        var settings: Settings
        /// What the files contained when they were last read, whether it could be used or not.
        var contents: [String: [UInt8]]
        /// The files' stamps before they were last read; nil when a later change might not show in them.
        var stamps: [FileStamp?]?
    }

    private let state: Mutex<State>
    private let paths: [String]
    private let clock: any WallClock
    private let logger: Logger

    public init(_ settings: Settings, clock: any WallClock = SystemClock(), logger: Logger) {
        state = Mutex(State(settings: settings, contents: settings.fileContents))
        paths = settings.filePaths
        self.clock = clock
        self.logger = logger
    }

    /// The current settings. Cheap enough to be called at each use: files are read only after they have changed.
    public var current: Settings {
        state.withLock { state in
            let stamps = paths.map(FileStamp.init(of:))
            guard stamps != state.stamps else { return state.settings }
            let now = clock.now()
            state.stamps = stamps.allSatisfy { $0?.isSettled(at: now) ?? true } ? stamps : nil
            let contents = state.settings.currentFileContents
            // A file that is there and could not be read is tried again.
            if contents.count < stamps.count(where: { $0 != nil }) { state.stamps = nil }
            guard contents != state.contents else { return state.settings }
            state.contents = contents
            do throws(SettingError) {
                state.settings = try state.settings.readAgain()
                logger.info("settings files have changed and were read again")
            } catch {
                logger.error("settings files have changed but cannot be used; the previous settings stay in force", metadata: ["error": "\(error)"])
            }
            return state.settings
        }
    }
}
