//! The domain types of the service: no I/O, no async, no web, no SQL.
//!
//! Each concept has one name, the field's standard term. A type with an invariant can only be created by parsing, so
//! code that receives a [`Query`] or a [`WorkspaceId`] need not validate it again.

mod answer;
mod case;
mod chunk;
mod clock;
mod document;
mod draft;
mod encoder;
mod ids;
mod judged;
mod judged_run;
mod key;
mod learning;
mod level;
mod query;
mod session;

pub use answer::{
    Answer, Citation, CitedLink, Note, Outcome, Reason, Sentence, Strategy, Timings, Turn,
};
pub use case::{Case, CaseOutcome, CaseRole, CaseTurn, Distilled, Excerpt, NoKnowledge, join};
pub use chunk::{Chunk, ChunkNote, Evidence, NewChunk, Outline, Span, TableHeader};
pub use clock::Clock;
pub use document::{
    Document, DocumentKind, DocumentStatus, FaqAnswer, MAX_VIEWS, Metadata, Source, TextFormat,
    ValidityPeriod, audience_open_to, checked_uri,
};
pub use draft::{Draft, DraftAction, DraftClass, DraftEvent, DraftSource, DraftState, Reviewer};
pub use encoder::{EncoderReport, EncoderScores};
pub use ids::{DocumentId, InvalidId, Revision, WorkspaceId};
pub use judged::{GapClosing, GapClosure, JudgedQuestion, QuestionKind, Review, ReviewKind};
pub use judged_run::{
    JudgedReply, JudgedRow, JudgedRun, Judgement, LevelCounts, LevelJudgement, RunSettings,
    RunTotals, UnanswerableCounts,
};
pub use key::{ApiKey, KeyRole, Principal, Right};
pub use learning::{
    AgentAction, Arm, Experiment, ExperimentState, Exposure, Feedback, FeedbackReason, Tuning,
    TuningHistory,
};
pub use level::Level;
pub use query::{
    Filter, Hit, InvalidQuestion, LegScore, MAX_LIMIT, MAX_QUESTION_CHARS, Mode, Query,
    QuestionText, Role, Utterance,
};
pub use session::{PendingSignIn, Session};
