/// Makes the list of a role's cases and the macro that tests a backend with them.
///
/// The first token is a dollar sign, which a macro inside a macro cannot write by itself.
macro_rules! cases {
    ($d:tt $(#[$doc:meta])* $suite:ident for $role:ident in $module:ident: $($case:ident,)*) => {
        /// Every case, by name.
        pub const CASES: &[(&str, $crate::Case<dyn keyward_core::$role>)] =
            &[$((stringify!($case), $case)),*];

        /// Makes the test subject of a linked backend, opened with the values and the host that the
        /// closures return.
        pub fn linked<B: keyward_core::Backend + keyward_core::$role>(
            values: impl Fn(&$crate::Scratch) -> keyward_core::Values,
            host: impl Fn(&$crate::Scratch) -> $crate::TestHost,
        ) -> $crate::Subject<dyn keyward_core::$role> {
            let scratch = $crate::Scratch::new();
            let (values, host) = (values(&scratch), host(&scratch));
            // If they are not complete, the backend does not open.
            let known = values.clone().complete(<B::Options as keyward_core::Options>::TABLE);
            $crate::Subject::new(scratch, host, move |host| {
                let opened = $crate::subject::open::<B>(&values, host)?;
                Ok(Box::new(opened) as Box<dyn keyward_core::$role>)
            })
            .with_values(known.unwrap_or_default())
            .cleaned_up_by(CLEAN_UP)
        }

        $(#[$doc])*
        #[macro_export]
        macro_rules! $suite {
            ($d backend:ty, $d values:expr $d(,)?) => {
                $crate::$suite!($d backend, $d values, host = |_| $crate::TestHost::new());
            };
            ($d backend:ty, $d values:expr, host = $d host:expr $d(,)?) => {
                mod $suite {
                    #[allow(unused_imports)]
                    use super::*;
                    #[allow(unused_imports)]
                    use $crate::prelude::*;

                    $(
                        #[test]
                        fn $case() {
                            $crate::within_limit(stringify!($case), || {
                                $crate::$module::$case(
                                    &$crate::$module::linked::<$d backend>($d values, $d host),
                                );
                            });
                        }
                    )*
                }
            };
        }
    };
}
