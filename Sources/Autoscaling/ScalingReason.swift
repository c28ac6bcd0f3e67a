import Terminal

/// Why a pool is changed or left as it is.
package enum ScalingReason: Sendable, Equatable, CustomStringConvertible {
    /// It had fewer workers than its minimum, or more than its maximum.
    case bounds(ClosedRange<Int>)
    /// The broker gave no statistics for some of its queues.
    case noFigures
    /// It was changed a moment ago.
    case settling
    /// Messages would wait too long.
    case waiting(queue: String, messages: Int, seconds: Double)
    /// Too many messages for each worker.
    case depth(queue: String, messages: Int)
    /// It needs more workers than its maximum.
    case full(needed: Int)
    /// With one worker less the queue would be too busy.
    case busy(queue: String)
    /// One worker less has been enough for this long.
    case calm(Duration)
    /// One worker less would be enough, but not for long enough yet.
    case calming(Duration)
    case minimum

    package var description: String {
        switch self {
        case .bounds(let bounds): "its bounds are \(bounds.lowerBound) to \(bounds.upperBound)"
        case .noFigures: "the broker has no statistics for it"
        case .settling: "its last change takes effect"
        case .waiting(let queue, let messages, let seconds): "\(messages) messages in \(queue) take \(seconds.tenths) s at this rate"
        case .depth(let queue, let messages): "\(messages) messages in \(queue)"
        case .full(let needed): "at its maximum, though \(needed) are needed"
        case .busy(let queue): "\(queue) needs them"
        case .calm(let duration): "one less has been enough for \(duration.inSeconds)"
        case .calming(let duration): "one less has been enough for \(duration.inSeconds) so far"
        case .minimum: "at its minimum"
        }
    }
}
